"""Keyboards, and spellings of like sound, by language.

A rule of sounds is `letters>instead`: letters where they stand (a regular expression), and what is
written instead.
"""

from __future__ import annotations

KEYBOARDS = {
    "en": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "de": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "es": ("qwertyuiop", "asdfghjklñ", "zxcvbnm"),
    "fr": ("azertyuiop", "qsdfghjklm", "wxcvbn"),
}

# Consonants, vowels, endings, silent letters, double letters.
ENGLISH = r"""
ph>f f(?=[aeiou])>ph ck>k (?<=[aeiou])k\b>ck c(?=[aouklrt])>k k(?=[aourl])>c c(?=[eiy])>s
s(?=[ei])>c sc(?=[ei])>s (?<=[aeiou])ch>tch tch>ch g(?=[ei])>j j(?=[aeiou])>g qu>kw x>ks z>s
(?<=[aeiou])s(?=e\b)>z tion\b>shun
ie>ei ei>ie ea>ee ee>ea ai>ay ay>ai oo>u ou>u au>aw oa>o igh>y (?<=[a-z]{2})i(?=[nrt])>e
(?<=[a-z]{2})e(?=n[dt])>i ite\b>ate ate\b>ite
(?:or|ar)\b>er er\b>or er\b>ar ance\b>ence ence\b>ance able\b>ible ible\b>able
\bkn>n \bwr>r \bwh>w \bps>s \brh>r mb\b>m bt\b>t (?<=[aeiou])gh> (?<=[^aeiou])e\b>
([bdfglmnprst])\1>\1 (?<=[aeiou])([lmnprt])(?=[aeiou])>\1\1
"""
# Umlauts written out or lost, lengthened vowels, consonants of one sound, hardened endings.
GERMAN = r"""
ä>ae ä>e ä>a ö>oe ö>o ü>ue ü>u ß>ss ss>ß ae>ä oe>ö ue>ü äu>eu eu>äu ei>ai ai>ei ie>i ih>i
(?<=[aeiouäöü])h(?=[lmnr])> aa>a ee>e oo>o (?<=[bdfgkls])i(?=[bdgls])>ie
ph>f f>v v>f \bv>w w>v tz>z z>tz ck>k k\b>ck chs>x x>chs qu>kw th>t dt>t c(?=[aou])>k sch>sh
d\b>t t\b>d b\b>p g\b>k ([fklmnprst])\1>\1 (?<=[aeiou])([fklmnprst])(?=[aeiou])>\1\1
"""
# Accents lost, b and v, silent h, sibilants, ll and y, g and j.
SPANISH = r"""
á>a é>e í>i ó>o ú>u ü>u ñ>n ñ>ni b>v v>b \bh> \b(?=[aeiou])>h c(?=[ei])>s s(?=[ei])>c z>s s\b>z
qu(?=[ei])>k c(?=[aou])>k ll>y y(?=[aeou])>ll g(?=[ei])>j j(?=[ei])>g gu(?=[ei])>g x>s x>j
cc>c m(?=[bp])>n rr>r (?<=[aeiou])r(?=[aeiou])>rr i(?=[aeo])>y
"""
# Accents lost or added, vowels and nasals of one sound, silent endings, sibilants, k.
FRENCH = r"""
[éèêë]>e é>er er\b>é ez\b>er [àâ]>a ç>ss ç>c [îï]>i ô>o [ùû]>u œ>oe eau>au eau>o au>o ai>é ai>è
ei>ai en(?=[cdt])>an an(?=[cdt])>en em(?=[bp])>am ain>in in(?=[^aeinouy]|\b)>ain oi>oa
ph>f f>ph qu>k k>qu c(?=[aou])>k ss>c c(?=[eiy])>ss s(?=[ei])>c g(?=[ei])>j j(?=[eo])>g y>i
th>t \bh> ([cflmnprt])\1>\1 (?<=[aeiou])([flmnpt])(?=[aeiou])>\1\1 (?<=[a-zé]{3})[est]\b>
"""
RULES = {"en": ENGLISH, "de": GERMAN, "es": SPANISH, "fr": FRENCH}
