"""TF-IDF and logistic regression (Manning, Raghavan, Schütze 2008, sections 6.2 and 14), trained by scikit-learn."""

import json
from typing import Annotated, Any

import zoo


class TfidfOptions(zoo.DataOptions, frozen=True, kw_only=True):
    c: Annotated[float, zoo.option("Inverse strength of the L2 regularisation.", gt=0, le=1e6)] = 10.0


TASK = "text-classification"
CARD = zoo.Card(
    name="tfidf",
    task=TASK,
    family="tfidf",
    summary="TF-IDF and logistic regression: the baseline",
    license="Apache-2.0",
    abilities=(zoo.Ability(verb="finetune", task=TASK, options=TfidfOptions), zoo.Ability(verb="predict", task=TASK)),
)


@zoo.hookimpl
def cards() -> list[zoo.Card]:
    return [CARD]


@zoo.hookimpl
def finetune(run: zoo.TrainingRun) -> zoo.Trainable:
    return Tfidf(c=run.options.c)


@zoo.hookimpl
def predict(run: zoo.PredictionRun) -> zoo.Predictor:
    return Tfidf(**json.loads((run.weights / "model.json").read_text(encoding="utf-8")))


class Tfidf:
    def __init__(self, c: float = 1.0, vocabulary: Any = None, idf: Any = None, learnt: Any = None) -> None:
        from numpy import array
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        self.tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, vocabulary=vocabulary)
        self.regression = LogisticRegression(C=c, max_iter=1000)
        if learnt:
            self.tfidf.idf_ = array(idf)
            vars(self.regression).update({name: array(value) for name, value in learnt.items()})

    def fit(self, run: zoo.TrainingRun) -> zoo.FitResult:
        run.report_plan(steps=1, epochs=1, batch_size=len(run.train))
        if run.dry_run:
            return zoo.FitResult(step=0)
        self.regression.fit(self.tfidf.fit_transform([e.input for e in run.train]), [e.label for e in run.train])
        vocabulary = {words: int(column) for words, column in self.tfidf.vocabulary_.items()}
        learnt = {name: getattr(self.regression, name).tolist() for name in ("classes_", "coef_", "intercept_")}
        model = {"vocabulary": vocabulary, "idf": self.tfidf.idf_.tolist(), "learnt": learnt}
        run.model_folder.mkdir(exist_ok=True)
        (run.model_folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
        metrics = zoo.ClassificationMetrics(run.labels)
        for example, answer in zip(run.eval, self.predict([one.input for one in run.eval]), strict=True):
            metrics.update(run.labels.index(example.label), run.labels.index(answer.label))
        run.report_evaluation(1, metrics.compute(), best=True)
        return zoo.FitResult(step=1, metrics=metrics.compute(), report=metrics.report(), labels=run.labels)

    def predict(self, inputs: list[Any]) -> list[zoo.Prediction]:
        return [self.answer(text) if isinstance(text, str) else zoo.Rejected("this is no text") for text in inputs]

    def answer(self, text: str) -> zoo.Prediction:
        (probabilities,) = self.regression.predict_proba(self.tfidf.transform([text])).tolist()
        ranked = sorted(zip(probabilities, self.regression.classes_, strict=True), reverse=True)
        return zoo.Classification(tuple(zoo.Score(str(label), probability) for probability, label in ranked))
