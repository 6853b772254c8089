"""Sites that keep their data and learn one model: what a server and those who join it tell each other, over HTTPS."""
