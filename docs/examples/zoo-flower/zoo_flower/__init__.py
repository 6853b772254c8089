"""Sites of Flower (https://flower.ai) that learn with zoo, each in an environment of its own."""
