/* One epoch of stochastic gradient descent on the lecture's network, 784-16-16-10: sigmoid, squared error, one core.

   The first layer takes nearly all of the time. There a row of its kernel is one vector of 16 numbers (vector extension
   of gcc and clang), and eight samples are added up side by side, so that the processor need not wait for each sum. */

#include <math.h>

enum { N0 = 784, N1 = 16, N2 = 16, N3 = 10, LARGEST_BATCH = 64, AT_ONCE = 8 };

typedef float row __attribute__((vector_size(4 * N1), aligned(4)));

static float sigmoid(float z) { return 1 / (1 + expf(-z)); }

static void first_layer(const float *a, const float *W, const float *b, float *out, int batch)
{
    for (int s = 0; s < batch; s += AT_ONCE) {
        row z[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) z[i] = *(const row *)b;
        for (int k = 0; k < N0; k++)
            for (int i = 0; i < AT_ONCE; i++) z[i] += a[(s + i) * N0 + k] * *(const row *)(W + k * N1);
        for (int i = 0; i < AT_ONCE; i++)
            for (int j = 0; j < N1; j++) out[(s + i) * N1 + j] = sigmoid(z[i][j]);
    }
}

static inline void layer(const float *a, const float *W, const float *b, float *out, int batch, int n, int m)
{
    for (int s = 0; s < batch; s++)
        for (int j = 0; j < m; j++) {
            float z = b[j];
            for (int k = 0; k < n; k++) z += a[s * n + k] * W[k * m + j];
            out[s * m + j] = sigmoid(z);
        }
}

static inline void back(const float *delta, const float *W, const float *a, float *out, int batch, int n, int m)
{
    for (int s = 0; s < batch; s++)
        for (int k = 0; k < n; k++) {
            float sum = 0;
            for (int j = 0; j < m; j++) sum += delta[s * m + j] * W[k * m + j];
            out[s * n + k] = sum * a[s * n + k] * (1 - a[s * n + k]);
        }
}

static inline void update(const float *a, const float *delta, float *W, float *b, float rate, int batch, int n, int m)
{
    for (int k = 0; k < n; k++) {
        float g[N1] = {0};
        for (int s = 0; s < batch; s++)
            for (int j = 0; j < m; j++) g[j] += a[s * n + k] * delta[s * m + j];
        for (int j = 0; j < m; j++) W[k * m + j] -= rate / batch * g[j];
    }
    for (int j = 0; j < m; j++) {
        float g = 0;
        for (int s = 0; s < batch; s++) g += delta[s * m + j];
        b[j] -= rate / batch * g;
    }
}

/* x: (num, 784), y: (num, 10); order: (num) rows of them; batch: a multiple of 8 that divides num, at most 64.
   Returns the mean of the samples' costs, each before the update of its batch. */
double epoch(const float *x, const float *y, const int *order, int num, int batch, float rate, float *W1, float *b1,
             float *W2, float *b2, float *W3, float *b3)
{
    static float a0[LARGEST_BATCH * N0], a1[LARGEST_BATCH * N1], a2[LARGEST_BATCH * N2], a3[LARGEST_BATCH * N3];
    static float d1[LARGEST_BATCH * N1], d2[LARGEST_BATCH * N2], d3[LARGEST_BATCH * N3];
    double total = 0;
    for (int first = 0; first < num; first += batch) {
        for (int s = 0; s < batch; s++)
            for (int k = 0; k < N0; k++) a0[s * N0 + k] = x[(long)order[first + s] * N0 + k];
        first_layer(a0, W1, b1, a1, batch);
        layer(a1, W2, b2, a2, batch, N1, N2);
        layer(a2, W3, b3, a3, batch, N2, N3);
        for (int s = 0; s < batch; s++)
            for (int j = 0; j < N3; j++) {
                float a = a3[s * N3 + j], e = a - y[(long)order[first + s] * N3 + j];
                total += e * e;
                d3[s * N3 + j] = 2 * e * a * (1 - a);
            }
        back(d3, W3, a2, d2, batch, N2, N3);
        back(d2, W2, a1, d1, batch, N1, N2);
        update(a2, d3, W3, b3, rate, batch, N2, N3);
        update(a1, d2, W2, b2, rate, batch, N1, N2);
        update(a0, d1, W1, b1, rate, batch, N0, N1);
    }
    return total / num;
}
