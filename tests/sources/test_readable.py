"""Text of papers is made readable once, and what is no TeX is left alone."""

# ruff: noqa: RUF001 -- dashes, primes and Greek letters are what this is about

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.sources.readable import readable

TEX_SIGNS = "\\$~`-‐‑–—\xad"
FRAGMENTS = [
    *"{}$\\^_~`'\"&%#()[]-. a1αé\n\0\u0301\ud800\U000f0000",
    *("$$", "\\(", "\\)", "\\[", "\\]", "\\{", "\\}", "\\\\", "\\%", "\\,", "``", "''", "--"),
    *("\\frac", "\\sqrt[3]", "\\hat", "\\mathbb", "\\cal", "\\rm ", "\\left(", "\\right.", "\\log"),
    *("\\emph{", "{\\it ", "\\href{", "\\textcolor{", "\\begin{a}", "\\end{a}"),
    *("\\'", "\\c", "\\v ", "{\\o}", "\\L{}", "\\i ", "\\alpha", "\\alpha ", "C:\\x", "---"),
]  # fmt: skip
tex = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join)
anything = st.text(st.characters() | st.sampled_from("\ud800\udfff\0\xad\U000f0000")) | tex


def one_line(text: str) -> str:
    return " ".join(text.split())


@given(anything)
def test_any_text_becomes_one_line(text: str) -> None:
    shown = readable(text)
    assert shown == one_line(shown)


@given(st.text(st.characters(exclude_characters=TEX_SIGNS)))
def test_text_without_a_sign_of_tex_only_goes_on_one_line(text: str) -> None:
    assert readable(text) == one_line(text)


@given(st.text("ab1 .,;:'\"()<>&%@é漢ع🙂-\n"))
def test_prose_is_made_readable_once_and_for_all(text: str) -> None:
    shown = readable(text)
    assert readable(shown) == shown


@pytest.mark.parametrize(
    "part",
    ["{", "}", "$", "\\", "\\\\", "`", "``", "~", "-", "--", "a--", "aa~", "\\{", "{\\", "$$", "$ ",
     "$a", "$a$", "$\0$", "$x^", "US$ 3 ", "\\$", "\\(", "\\[a", "\\emph{", "{\\em ", "\\href{",
     "\\href{}{", "\\begin{a}", "\\frac", "$\\frac{", "\\'", "\\'{", "\\v ", '{\\"', "\\alpha",
     "\\alpha ", "\xad", "-\n", "- \n", "\n", "`a", '``a"', ":\\", "a:\\", "\U000f0000", "1{,}",
     ".a/b--", "\\textsuperscript{", f"${'{' * 100}$", f"${'^{x' * 60}$", "\\hat", "$aa aa"],
)  # fmt: skip
def test_much_of_anything_ends(part: str) -> None:
    text = (part * 40_000)[:40_000]
    for hostile in (text, f"\\{text}", f"${text}$", text + text[::-1]):
        assert isinstance(readable(hostile), str)


def test_many_braces_stay() -> None:
    braces = "{" * 10_000 + "}" * 10_000
    assert readable(braces) == braces
    assert readable(rf"\emph{braces}") == braces[1:-1]


@pytest.mark.parametrize(
    "text",
    ["$5 and $10", "US$ 3", "from $20,000–$30,000 a year", "$5 or US$ 6", "AU$ 3, US$ 4",
     "$4-$8 or $4/$8", "$2M (US$ 2M) and $3M (US$ 3M)", "AU$-US$ rates", "$1/h, $2/h; $3.50/h",
     "US$5.00 and CA$6", "cost ($) per unit ($)", "$HOME/$USER and $PATH:$HOME", "5$, 6$ and 7$"],
)  # fmt: skip
def test_money_and_variables_stay(text: str) -> None:
    assert readable(text) == text


@pytest.mark.parametrize(
    "text",
    ["a<b & c>d", "AT&T and R&D", "<i>x</i> &amp; y", "state-of-the-art", "e\u0301\u0301",
     "深層学習 and التعلم 🙂", "{a, b} or {BERT}", "git add --all", "1~2 ~3%", "(--version)",
     '"--help"', "p ~ q, x~N(0,1)", "https://example.org/~ada/a--b", "www.example.org/a.b/c--d",
     "a -- b",
     r"C:\new\alpha.txt", r"D:\'etc", r"\d+\.\d* \w \b \s", r"one\ntwo", r'{\"key\": \"error\"}',
     r"it\'s the model\'s", r"\grault{x} and \quux", r"\\alpha", "`\\alpha` and `$x$`", r"\[1\]",
     r"f\(x\)", "a\0b$", "lone \ud800 $", "``open", r"src\alpha", r"\begin{a} \alpha \end{a}",
     "| a | b | |---|---|", "x\U000f0000 $y$"],
)  # fmt: skip
def test_what_may_be_no_tex_stays(text: str) -> None:
    assert readable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  Two \n\n lines\t", "Two lines"),
        ("a cross-\nlingual task", "a cross-lingual task"),
        ("cross-\r\nlingual", "cross-lingual"),
        ("end-\nto-end", "end-to-end"),
        ("short-\nand long-term", "short- and long-term"),
        ("one-\nto many", "one- to many"),
        ("a task -\nhard or not", "a task - hard or not"),
        ("a task --\nhard or not", "a task -- hard or not"),
        ("a task--\nhard or not", "a task–hard or not"),
        ("trans\xadformer, trans\xad\nformer", "transformer, transformer"),
    ],
)
def test_line_breaks(text: str, shown: str) -> None:
    assert readable(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"$x$, $y_1$ and $$z$$", "x, y₁ and z"),
        (r"\(x\) and \[y^2\]", "x and y²"),
        ("$ x $ and $ 3.5$", "x and 3.5"),
        (r"$\alpha\beta$, $\alpha x$, $a \in \alpha$", "αβ, αx, a ∈ α"),
        (r"$\sim$10, $\times 3$, $5 \times10$, $3\pm 1$", "∼10, ×3, 5 × 10, 3±1"),
        (r"$x\le y$, $x \leq y$, $\lambda = 1$", "x≤y, x ≤ y, λ = 1"),
        (r"$10^{-3}$, $x_{ij}$, $x^{n+1}$, $x_i^2$", "10⁻³, xᵢⱼ, xⁿ⁺¹, xᵢ²"),
        (r"$x^{q+q}$, $x^{2^n}$, $x_{q,r}$, $n^{1.5}$", "x^(q+q), x^(2ⁿ), x_(q,r), n^1.5"),
        (r"$R_{\text{pred}}$, $R_{CD}y$, $g_{\mu\nu}$", "R_pred, R_(CD)y, g_μν"),
        (r"H$_2$O, $^{13}$C, Fe$^{3+}$, 90$^\circ$", "H₂O, ¹³C, Fe³⁺, 90°"),
        (r"$f^*$, $f^{\prime}$, $f^{\dagger}$, $e^\pm$", "f*, f′, f†, e±"),
        (r"$O(n\log n)$, $\log\log n$, $\log_2 n$", "O(n log n), log log n, log₂ n"),
        (r"$\frac{1}{2}$, $\frac{a+b}{c}$, $\frac12x$", "1/2, (a+b)/c, (1/2)x"),
        (r"$\frac{1}{2a}$, $3\frac{1}{2}$, $\frac{1}{2}(x)$", "1/(2a), 3(1/2), (1/2)(x)"),
        (r"$\sqrt{n}$, $\sqrt{n+1}$, $\sqrt[3]{x}$", "√n, √(n+1), ∛x"),
        (r"$\mathbb{R}^d$, $\mathcal{L}$, ${\cal N}=4$", "ℝᵈ, ℒ, 𝒩=4"),
        (r"$\mathbf{w}$, $\mathcal{ABC}$, $\rm km\,s^{-1}$", "w, ABC, km s⁻¹"),
        (r"$\hat{y}$, $\bar{\nu}$, $a \not= b$", "ŷ, ν̅, a ≠ b"),
        (r"$\left(\{1, 2\}\right]$, $50\%$, $13{,}400$", "({1, 2}], 50%, 13,400"),
        (r"$\text{if } x > 0$, $\operatorname{tr}A$", "if x > 0, tr A"),
        (r"$a \equiv b \pmod p$ yes$\unicode{x2014}$no", "a ≡ b (mod p) yes—no"),
        (r"$k$NN, the $n$th, top-$k$, $\ell_2$-norm", "kNN, the nth, top-k, ℓ₂-norm"),
    ],
)
def test_simple_formulas_become_text(text: str, shown: str) -> None:
    assert readable(text) == shown


@pytest.mark.parametrize(
    "formula",
    [r"$\grault{x}$", r"$\begin{matrix}1 & 2\end{matrix}$", r"$\binom{n}{k}$", "$a & b_1$",
     r"$\frac{1}$", "$x^$", "$x^{2$", r"$\hat{xy}$", r"$\sqrt[5]{x}$", r"\(\grault\)",
     f"${'{' * 20}x_1{'}' * 20}$", r"$\frac{\alpha}{\quux}$", r"$\unicode{xD800}$",
     rf"${'x_1 + ' * 60}1$"],
)  # fmt: skip
def test_a_formula_that_text_cannot_show_is_as_it_was(formula: str) -> None:
    assert readable(f"Let {formula} be.") == f"Let {formula} be."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"Andr\'e, Andr\'{e}, Andr{\'e}, Andr{\'{e}}", "André, André, André, André"),
        (r"na\"ive, na\"{\i}ve, Garc\'\i a, Garc{\'\i}a", "naïve, naïve, García, García"),
        (r"Fran\c{c}ois, Mi\v s, {\v{S}}koda, Erd\H{o}s", "François, Miš, Škoda, Erdős"),
        (r"\'{\^e}, \.Zak, \=a, \~n, \^o, \`u, \k{a}, \r{A}", "ế, Żak, ā, ñ, ô, ù, ą, Å"),
        (r"{\O}re, S\o ren, S{\o}ren, stra\ss e, \L{}\'od\'z", "Øre, Søren, Søren, straße, Łódź"),
        (r"\L ukasz, 3\AA{} and 4 \AA\ wide", "Łukasz, 3Å and 4 Å wide"),
        ("Jos\\é, J\\\\ürgen, {\\Ø}rsted", "José, Jürgen, Ørsted"),
        (r"{Erd\H{o}s}", "{Erdős}"),
        (r"\'q and \v{q}", r"\'q and \v{q}"),
    ],
)
def test_accents(text: str, shown: str) -> None:
    assert readable(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"\emph{one \textbf{two {\it three}}} four", "one two three four"),
        (r"{\em one}, {\bf two}, \texttt{a\_b}, \underline{\small x}", "one, two, a_b, x"),
        (r"\emph{the $x_1$ of} it", "the x₁ of it"),
        (r"see \url{https://example.org/a_b~c}", "see https://example.org/a_b~c"),
        (r"our \href{https://example.org/\~{}ada}{code \textbf{here}}", "our code here"),
        (r"\textcolor{red}{now} CO\textsubscript{2} 1\textsuperscript{st}", "now CO₂ 1ˢᵗ"),
        (r"\emph{open and \href{x} y", r"\emph{open and \href{x} y"),
        (r"50\% of \$5, R\&D, a\_b, \#1, \{a\}, 1{,}000", "50% of $5, R&D, a_b, #1, {a}, 1,000"),
        (r"pass\textasciicircum{}k, \textasciitilde 3, so\ldots", "pass^k, ~ 3, so…"),
        (r"\LaTeX\ is, i.i.d.\ data, 3\,mm", "LaTeX is, i.i.d. data, 3 mm"),
        (r"of {\alpha} and \beta, 2\times", "of α and β, 2×"),
        (r"http://example.org/\~ada", "http://example.org/~ada"),
        ("``one'' and ``two\", ``the \"third\" one''", "“one” and “two”, “the \"third\" one”"),
        (r"1--2, Ho--Lee, 4\%--5\%, $1$--$2$", "1–2, Ho–Lee, 4%–5%, 1–2"),
        ("so---yes --- no", "so—yes — no"),
        ("Fig.~3, Table~4, 5~km, of~$x$, Word~(W)", "Fig. 3, Table 4, 5 km, of x, Word (W)"),
        (r"by~\cite{x}", r"by \cite{x}"),
        ("FWHM~300 at ~20 in Table~1", "FWHM~300 at ~20 in Table 1"),
    ],
)  # fmt: skip
def test_tex_in_prose(text: str, shown: str) -> None:
    assert readable(text) == shown


def real_texts(folder: Path) -> Iterator[str]:
    """The titles, abstracts and names of the real listings and of the development papers."""
    for path in [*folder.glob("arxiv-listing/*.jsonl"), folder / "matching" / "papers.jsonl"]:
        for line in path.read_text(encoding="utf-8").splitlines():
            paper = json.loads(line)
            yield from (paper["title"], paper.get("summary") or paper.get("abstract") or "")
            yield from paper["authors"]
    for path in folder.glob("hf-daily/*.json"):
        for entry in json.loads(path.read_text(encoding="utf-8")):
            yield from (entry["paper"]["title"], entry["paper"]["summary"])


def test_real_papers(real_data: Path) -> None:
    texts = set(real_texts(real_data))
    plain = [text for text in texts if not re.search(r"[\\$~\xad]|``|--|[-‐‑–—]\n", text)]
    assert len(plain) > 10_000
    assert [text for text in plain if readable(text) != one_line(text)] == []

    shown = {text: readable(text) for text in texts if re.search(r"[\\$]", text)}
    with_formulas = [text for text in shown if re.search(r"\$[^$]*\\[^$]*\$", text)]
    assert len(with_formulas) > 300
    kept = [text for text in with_formulas if "$" in shown[text]]
    assert len(kept) < len(with_formulas) / 15
    prose = [re.sub(r"\$[^$]*\$", "", text) for text in shown.values()]
    accent = r"\\[\"`^~=]\{?[A-Za-z]|\\'\{?(?!s\b)[A-Za-z]|\\[cvuHkr]\{[a-zA-Z]\}"
    assert [text for text in prose if re.search(accent, text)] == []
    markup = r"\\(?:emph|text(?:bf|it|tt|sc))\{[^{}]*\}|\\[%&_]"
    assert [text for text in prose if re.search(markup, text)] == []
