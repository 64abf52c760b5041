"""What a person wrote themselves, and whether it says that they want no more mail."""

import re
from email.header import decode_header, make_header
from email.message import Message

from lxml import html
from lxml.etree import LxmlError

LINES = 5
"""Who wants to leave says so at the beginning."""
LONGEST = 20_000
"""Characters of a text that are looked at."""
LONGEST_SUBJECT = 1_000

_QUOTED = re.compile(
    r"^\s*>"
    r"|^\W*(-{3,}|_{5,})"  # Outlook's line, and “----- Original Message -----”
    r"|^-- ?$"  # a signature
    r"|^\W*(from|von|de|da|van|från|od|от|发件人|差出人)\s?[:：].*@"  # noqa: RUF001
    r"|^\W*(on|am|le|el|il|em|op|den|dnia)\b.{6,200}\b"
    r"(wrote|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|skrev|napisał\w*)\b"
    r"|\bwrote:$|写道|のメール[:：]|пишет:$",  # noqa: RUF001
    re.IGNORECASE,
)
"""Where what somebody else wrote begins."""

_MAIL = r"(e ?mails?|mails?|digests?|newsletters?|messages?|updates?|list|mailing ?list)"
_MAILS = (
    r"((all|any|this|the|these|those|your|further|future|more|such|paper round) )*"
    rf"({_MAIL}|paper round)"
)
_FROM = rf"(from|of|off) ({_MAILS}|everything|it|this|these)"
"""Alone such a word may mean a paper, an interest, anything: “please remove it”."""
_DE_MAIL = r"(e ?mails?|mails?|newsletter|nachrichten)"
_ME = r"(me|us|my (e ?mail )?(address|subscription)|this (e ?mail )?address)"
_WISHES = (
    # English
    (
        rf"(unsubscribe|remove|delete|take) {_ME}( off| out)?( {_FROM})?"
        rf"|(unsubscribe|remove)( {_FROM}| {_MAILS})?"
    ),
    (
        r"stop( (sending|mailing|e ?mailing|writing)( to)?( me)?)?"
        rf"( {_MAILS}| (the|my|this) subscription)?"
    ),
    rf"(end|cancel|quit) ({_MAILS}|(the|my|this) subscription)",
    (
        r"(i )?(want|wish|d like|would like) to"
        r" (unsubscribe|be (removed|unsubscribed)|be taken off|opt out|cancel)"
        rf"( {_FROM}| (the|my|this) subscription)?"
    ),
    rf"opt ?(me )?out( {_FROM})?",
    rf"no more {_MAIL}",
    (
        rf"(do not|don t) (send|mail|e ?mail|write|contact)( to)?( me)?( {_MAILS})?"
        r"( again| any ?more| any longer)*"
    ),
    # German
    (
        r"(ich (möchte|will) )?(mich |mein\w* )?(adresse |abo |newsletter |e ?mails? |abonnement )?"
        r"(((wieder|bitte) )?(ab|aus)(zu)?(melden|tragen|bestellen)|abmeldung"
        r"|abbestellung|stopp?|kündigen|löschen)"
    ),
    (
        r"(melden?|tragen?|bestellen?|nehmen?)( sie)?( mich| den newsletter)?( bitte)?"
        r"( (vom|von|aus)( dem| der| diesem)? (newsletter|verteiler|liste))? (ab|aus)"
        r"( (vom|von|aus)( dem| der| diesem)? (newsletter|verteiler|liste))?"
    ),
    (
        r"(ich )?(möchte|will|wünsche)( \w+)? keine( weiteren)?"
        rf" {_DE_MAIL}( mehr)?( bekommen| erhalten)?"
    ),
    rf"keine( weiteren)? {_DE_MAIL}( mehr)?( senden| schicken)?",
    # French
    (
        r"(me |je (veux|souhaite|voudrais) me )?(dés(abonn|inscri)\w+)( moi)?"
        r"( de (cette|la|votre) (liste|newsletter))?"
    ),
    r"(supprime[rz]?|retire[rz]?)( moi| mon adresse)( de (cette|la|votre) (liste|newsletter))?",
    r"arr[êe]te[rz]?( de m (envoyer|écrire).*)?",
    # Spanish, Portuguese, Italian
    (
        r"(quiero |deseo )?(dar(me)? de baja|dadme de baja|denme de baja|deme de baja|baja"
        r"|desuscrib\w+|cancelar( (la|mi))? suscripción)( de (esta|la) lista)?"
    ),
    (
        r"(quero |desejo )?(cancelar( (a|minha))? (inscrição|assinatura)|descadastrar( me)?"
        r"|descadastre me|remover( me)?|me remova)( (da|desta) lista)?"
    ),
    (
        r"(voglio )?(cancellami|cancellarmi|cancellatemi|disiscri\w+|annulla(re)? (l )?iscrizione"
        r"|disiscrizione|cancellazione)( (da|dalla) (questa )?(lista|newsletter))?"
    ),
    # Dutch, Swedish, Danish, Norwegian, Polish
    r"(ik wil me |mij )?(afmelden|uitschrijven|opzeggen)|(meld|schrijf) (mij|me) (af|uit)",
    (
        r"avsluta( prenumerationen)?|avregistrera( mig)?|avprenumerera|afmeld( mig)?|avmeld( meg)?"
        r"|stoppa"
    ),
    r"wypisz mnie|wypisać|rezygnuję|anuluj subskrypcję",
    # Russian, Ukrainian, Chinese, Japanese, Korean
    (
        r"отпи(сать|саться|шите|ска)( меня)?|отписаться( от рассылки)?"
        r"|відписатися|відпишіть мене"
    ),
    r"(请|請)?(帮我|幫我)?(退订|退訂|取消订阅|取消訂閱)(邮件|郵件)?",
    (
        r"(配信|購読|メール|メルマガ)?の?(停止|解除|解約|退会)"
        r"(して(ください|下さい)|希望|をお願いします|お願いします)?"
    ),
    r"(수신 ?거부|구독 ?(취소|해지))( ?(해 ?주세요|부탁드립니다))?",
)
_POLITE = (
    r"(please|pls|plz|kindly|just|now|immediately|asap|at once|thanks?|thank you|thx|cheers"
    r"|bitte|sofort|danke|vielen dank|merci|s il vous pla[îi]t|svp|por favor|gracias|obrigad[oa]"
    r"|per favore|grazie|alstublieft|aub|tack|mvh|dziękuję|proszę"
    r"|пожалуйста|спасибо|ありがとうございます|谢谢|謝謝)"
)
_GREETING = (
    r"(hi|hello|hey|dear|hallo|guten tag|moin|sehr geehrte\w*|liebe\w*|bonjour|hola|ciao|olá"
    r"|hej)\b"
)
_ASKED = r"((can|could|would|will) you|könn(t)?en sie|pouvez vous|podrían?)"
_WISH = re.compile(
    rf"({_POLITE} )*({_ASKED} )?({_POLITE} )*({'|'.join(_WISHES)})( {_POLITE})*", re.IGNORECASE
)


def asks_to_leave(mail: Message) -> bool:
    """Whether its subject, or a sentence in its first lines, asks to be left alone, and no more.

    A question how to, a wish about one topic, and what is quoted are for a person to read.
    """
    subject = re.sub(r"^(\s*\w{1,4}\s?:)+", "", decoded(mail.get("Subject")))
    lines = [line for line in own_words(mail).splitlines() if line.strip()][:LINES]
    sentences = [part for line in lines for part in re.split(r"[.!?;。！？]+", line)]  # noqa: RUF001
    return any(_is_wish(sentence) for sentence in [subject, *sentences])


def own_words(mail: Message) -> str:
    """The text of a mail as far as its sender wrote it: up to the first quotation."""
    own = []
    for line in _text(mail)[:LONGEST].splitlines():
        if _QUOTED.search(line):
            break
        own.append(line)
    return "\n".join(own)


def decoded(value: object) -> str:
    """The beginning of a header as people read it (RFC 2047); as it stands where it is broken."""
    text = str(value or "")[:LONGEST_SUBJECT]
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError, UnicodeError):
        return text


def _is_wish(sentence: str) -> bool:
    if len(sentence) > 200:
        return False
    after_greeting = re.sub(rf"^\s*{_GREETING}[^,]{{0,40}},", "", sentence, flags=re.IGNORECASE)
    words = (re.sub(r"[\W_]+", " ", text).strip() for text in (sentence, after_greeting))
    return any(bool(_WISH.fullmatch(text)) for text in words)


def _text(mail: Message) -> str:
    """The first part that is text to read; HTML without its quotations."""
    parts = [part for part in mail.walk() if part.get_content_disposition() != "attachment"]
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and (text := _decoded(part).strip()):
                return text if kind == "text/plain" else _plain(text)
    return ""


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return payload.decode("utf-8", "replace")


def _plain(text: str) -> str:
    try:
        tree = html.document_fromstring(text[: 10 * LONGEST].encode("utf-8", "replace"))
    except (LxmlError, ValueError):
        return ""
    for quoted in tree.xpath("//blockquote | //style | //script | //*[@class='gmail_quote']"):
        quoted.drop_tree()
    for block in tree.iter("br", "p", "div", "tr", "li", "hr"):
        block.tail = "\n" + (block.tail or "")
    return str(tree.text_content())
