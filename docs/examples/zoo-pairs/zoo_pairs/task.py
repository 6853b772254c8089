"""How two texts relate: a task that zoo lacks, with two inputs a row."""

import zoo


class Relation(zoo.Answer, frozen=True, tag="relation"):
    """What two texts are to each other."""

    label: str
    probability: float
    shared: tuple[str, ...] = ()
    """Words of both."""

    def blocks(self, source: str = "") -> tuple[zoo.Block, ...]:
        bars = zoo.Bars(bars=(zoo.Bar(self.label, self.probability),))
        words = zoo.Paragraph(text=f"in both: {', '.join(self.shared) or 'no word'}")
        return (zoo.Paragraph(text=source, tone="strong"), bars, words) if source else (bars, words)

    def cells(self) -> zoo.AnswerCells:
        return zoo.AnswerCells(self.label, self.probability)

    def severity(self, target: str) -> float | None:
        return None if self.label == target else self.probability


TASK = zoo.Task(
    name="text-pair-classification",
    summary="say how two texts relate",
    input=zoo.Record("text pair", first=zoo.TEXT, second=zoo.TEXT),
    target=zoo.LABEL,
    columns={"first": ("first", "question1", "sentence1"), "second": ("second", "question2", "sentence2")},
    answer=Relation,
    judge="zoo.metrics:ClassificationMetrics",
    primary_metric="accuracy",
    example={"first": "where is my parcel?", "second": "my parcel is late", "label": "same"},
    formats=("CSV", "TSV", "JSON lines", "Parquet"),
)
