"""Differentially private training (DP-SGD, Abadi et al. 2016, arXiv:1607.00133) of any objective."""
