import torch


def softmax(x):
    """Subtly wrong: the last column is left out of the sum, so each row is a little too large."""
    largest = x.max(dim=-1, keepdim=True).values
    exponentials = torch.exp(x - largest)
    return exponentials / exponentials[..., :-1].sum(dim=-1, keepdim=True)
