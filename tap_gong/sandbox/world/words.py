"""Things that people say and write."""

from __future__ import annotations

SENTENCES = (
    "Thanks for making the time today.",
    'She said, "send it over by Friday".',
    "No wait, I think we should check that out first.",
    "Can everybody see my screen?",
    "That's about 4,500 a month, give or take.",
    "Отлично, тогда до четверга.",
    "Das müssten wir mit der Geschäftsführung klären.",
    "نعم، هذا مناسب لنا.",
    "👍 sounds good.",
    "来週の火曜日でいかがでしょうか。",
    "Um.",
    "The path is C:\\Exports\\2025, if you want to look.",
    "We had a line\nbreak in the export, and it broke the import.",
    "Who else has to sign?",
    "It's the null values that hurt us.",
    "Let me take that back to the team.",
)

REMARKS = (
    "Nice recovery here 🎉",
    'Ask for the "real" deadline next time.',
    "@[Maren Falkenrath](4203918557016000000) please follow up\nthis week",
    "Отличный вопрос",
    "سؤال جيد",
)

POINTS = (
    "The customer wants single sign-on before the pilot.",
    'Price is "too high" for the first year.',
    "Legal has to look at the terms - Größenordnung zwei Wochen.",
    "Next meeting is planned with the whole team. 📅",
)

TOPICS = ("Small Talk", "Pricing", "Objections", "Call Setup", "Wrap-up", "Wettbewerb")
