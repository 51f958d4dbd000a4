"""The line editor: prompt-toolkit set up for SQL that ends with a semicolon."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import ThreadedCompleter
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.styles import Style

from shoal.shell.completion import SqlCompleter
from shoal.shell.highlight import STYLES, SqlLexer
from shoal.shell.names import Names
from shoal.shell.output import wants_colour
from shoal.shell.script import is_finished

PROMPT = "shoal> "
CONTINUATION = "    -> "
_WORDS = frozenset({"help", "exit", "quit"})

_STYLE = Style.from_dict(
    STYLES
    | {
        "prompt": "ansicyan bold",
        "continuation": "ansibrightblack",
        "bottom-toolbar": "noreverse ansibrightblack",
        "matching-bracket.cursor": "bold underline",
        "matching-bracket.other": "bold underline",
    }
)


def build_prompt(
    names: Names,
    history: History,
    toolbar: Callable[[], AnyFormattedText],
    input: Input | None = None,
    output: Output | None = None,
) -> PromptSession[str]:
    """The prompt; ``input`` and ``output`` are the terminal unless given."""
    return PromptSession(
        [("class:prompt", PROMPT)],
        prompt_continuation=[("class:continuation", CONTINUATION)],
        multiline=True,
        key_bindings=_key_bindings(),
        lexer=SqlLexer(),
        style=_STYLE,
        include_default_pygments_style=False,
        color_depth=None if wants_colour() else ColorDepth.DEPTH_1_BIT,
        completer=ThreadedCompleter(SqlCompleter(names)),
        complete_while_typing=True,
        history=history,
        auto_suggest=AutoSuggestFromHistory(),
        enable_open_in_editor=True,
        tempfile_suffix=".sql",
        input_processors=[HighlightMatchingBracketProcessor(chars="()[]{}")],
        bottom_toolbar=toolbar,
        reserve_space_for_menu=6,
        input=input,
        output=output,
    )


@contextlib.contextmanager
def without_echo() -> Iterator[None]:
    """Keep the terminal from showing what is typed while no prompt is there to show it in its place.

    What is typed ahead is not lost: the next prompt reads it.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        yield
        return
    import termios

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    quiet = termios.tcgetattr(number)
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(number, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSANOW, before)


def is_ready(text: str) -> bool:
    """Whether Enter runs what was typed: a finished statement, a command, or one of the bare words."""
    return is_finished(text) or text.strip().lower() in _WORDS


@Condition
def _chooses_completion() -> bool:
    """Whether one of several completions is selected: Enter then takes it, and runs nothing yet."""
    state = get_app().current_buffer.complete_state
    return state is not None and state.current_completion is not None and len(state.completions) > 1


@Condition
def _is_ready() -> bool:
    return is_ready(get_app().current_buffer.text)


def _key_bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter", filter=_chooses_completion & ~is_searching)
    def take_completion(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    @bindings.add("enter", filter=_is_ready & ~_chooses_completion & ~is_searching)
    def run(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @bindings.add("escape", "enter", filter=~is_searching)
    def run_as_it_is(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return bindings
