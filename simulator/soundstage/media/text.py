"""Chat answers: a few plain sentences that name what was asked, the same for the same draw."""

from soundstage.core.randomness import Draw

EXCERPT = 60
PIECE = 4

_OPENINGS = (
    'You asked about "%s".',
    'Here is a short answer to "%s".',
    'Let us look at "%s".',
    'On "%s", a few points stand out.',
    'Thanks for asking about "%s".',
    'This is what can be said about "%s".',
    'To begin with "%s", the outline is simple.',
    'Your message "%s" has a clear core.',
)
_EMPTY = "Your message held no text."
_STOCK = (
    "The most useful first step is to write down what a good result would look like.",
    "Two or three small trials will tell you more than a long plan.",
    "It helps to separate what you know from what you only assume.",
    "Start with the part that is hardest to change later.",
    "A short list of goals keeps the rest of the work honest.",
    "The answer depends on how much time you can give it each week.",
    "In most cases the simple version is enough for the first month.",
    "Keep the number of moving parts low until the basics work.",
    "Ask one person who has done it before to look over your notes.",
    "The details differ from place to place, but the outline stays the same.",
    "Measure once before you begin, so that you can tell whether it improved.",
    "A common mistake is to solve a problem nobody has reported.",
    "If the budget is tight, spend it on the step that everyone sees.",
    "It is worth keeping a record of what was tried and why it was dropped.",
    "The first draft should be short enough to read in one sitting.",
    "Good light and a quiet room do more than expensive equipment.",
    "You can leave the finer points for a second round.",
    "Compare at least two options before you settle on one.",
    "Most of the effort goes into preparation rather than the work itself.",
    "A clear name for each part saves many questions afterwards.",
    "When two goals collide, choose the one your readers would miss more.",
    "Check the figures against a second source before you rely on them.",
    "There is rarely a single right answer, but some choices are easier to undo.",
    "Plan a pause in the middle, because fresh eyes find what tired ones miss.",
    "The order of the steps matters less than finishing each of them.",
    "Try it with a small group first and widen it when the questions stop.",
    "A picture or a short table often explains this faster than a paragraph.",
    "Set a date for looking back at the decision.",
    "If something is unclear, a small example usually settles it.",
    "The older method still works well when the amounts are small.",
    "Newer tools make this quicker, though they hide some of the reasons.",
    "Leave room for one surprise in every schedule.",
    "What counts in the end is whether the next person can carry on from here.",
    "Warm colours and slow movement suit this subject better than quick cuts.",
    "Begin at the end: decide what should remain when the work is done.",
    "The costs are easy to estimate once the scope is fixed.",
    "Write the summary first and the rest will follow it.",
    "It pays to repeat the main point in different words.",
    "Some people prefer a checklist, others a sketch; either will do.",
    "Limits are useful here, since they make the choices smaller.",
    "The main risk is doing too much at once.",
    "A week of steady work beats one long night.",
    "Store the originals somewhere safe before you edit anything.",
    "Be ready to drop a favourite idea when it does not fit.",
    "The weather, the season and the hour of the day all play a part.",
    "For a larger group, agree on the words you use before you start.",
    "One good question at the beginning can replace ten corrections later.",
    "The difference is small at first and grows with every repetition.",
    "You will find that the middle part needs the most attention.",
    "Read it aloud once; the weak sentences will show themselves.",
    "Where opinions differ, a short test is the fairest judge.",
    "Keep the tone friendly and the sentences short.",
    "A rough estimate today is better than an exact one next month.",
    "The same approach works for smaller cases with fewer steps.",
    "Use plain labels, and put the unit next to every number.",
    "If it has to be done again next year, note how long each step took.",
    "The local library or archive is often the best place to begin.",
    "Change one thing at a time so that you can see what caused what.",
    "A second opinion costs little and often saves a lot.",
    "Give the reader a reason to care in the first two lines.",
    "Simple materials are fine as long as the edges are clean.",
    "When in doubt, choose the version that is easier to explain.",
    "The rest is practice, and practice is mostly patience.",
    "With those points settled, the remaining work is straightforward.",
)
_LONGEST_STEP = (len(_STOCK) - 1) // 3  # three steps between four picks never come round to the first


def answer(draw: Draw, about: str) -> str:
    """Return two to five English sentences, the first of which quotes the beginning of `about`."""
    bits = draw.bits("answer", 512)
    excerpt = _excerpt(about)
    sentences = [_OPENINGS[bits % len(_OPENINGS)] % excerpt if excerpt else _EMPTY]
    at = (bits >> 64) % len(_STOCK)
    sentences.append(_STOCK[at])
    for turn in range((bits >> 128) % 4):
        at = (at + 1 + (bits >> (192 + 64 * turn)) % _LONGEST_STEP) % len(_STOCK)
        sentences.append(_STOCK[at])
    return " ".join(sentences)


def tokens(text: str) -> int:
    """Return how many tokens a text counts for: one for every four characters begun."""
    return -(-len(text) // PIECE)


def pieces(text: str) -> list[str]:
    """Return the text in slices of one token each; joined they are the text."""
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _excerpt(about: str) -> str:
    """Return the first 60 characters on one line, without quotes and characters that cannot be shown."""
    line = " ".join((about[:400].split()) or about.lstrip()[:400].split()).replace('"', "'")
    if not line.isprintable():
        line = " ".join("".join([mark for mark in line if mark.isprintable()]).split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1].rstrip() + "…"
