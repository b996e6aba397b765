"""The Keras side: the network as a `Sequential`, and the lecture's cost as a `keras.losses.Loss`."""
