"""Returns a dict."""


def attack(path, port, pid):
    return {"dW": 1}
