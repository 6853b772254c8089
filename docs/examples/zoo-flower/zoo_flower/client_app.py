"""What a site does for Flower."""

from __future__ import annotations

from pathlib import Path

from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from zoo_flower.learning import Site

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    """Learn for one round; where data and model are, and which zoo learns, is told to the site alone (`--node-config`).

    What the server asks for comes from whoever calls `flwr run`.
    """
    own, asked = context.node_config, context.run_config
    site = Site(Path(str(own["folder"])), Path(str(own["model"])), str(own["data"]), str(own.get("zoo", "zoo")))
    weights = {name: array.numpy() for name, array in message.content["arrays"].items()}
    learnt, rows, figures = site.learn(weights, int(message.content["config"]["server-round"]), str(asked["options"]))
    return Message(
        RecordDict(
            {
                "arrays": ArrayRecord({name: Array(array) for name, array in learnt.items()}),
                "metrics": MetricRecord({"num-examples": rows, **figures}),
            }
        ),
        reply_to=message,
    )
