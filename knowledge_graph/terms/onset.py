"""HPO's classes of onset (HP:0003674) and the earliest age, in days, that each one's definition allows."""

from knowledge_graph.terms.term import TermId

YEAR_DAYS = 365.25
EARLIEST_DAYS = {
    TermId("HP:0030674"): 0.0,  # antenatal
    TermId("HP:0003577"): 0.0,  # congenital
    TermId("HP:0003623"): 0.0,  # neonatal
    TermId("HP:0003593"): 28.0,  # infantile
    TermId("HP:0011463"): YEAR_DAYS,  # childhood
    TermId("HP:0003621"): 5 * YEAR_DAYS,  # juvenile
    TermId("HP:0003581"): 16 * YEAR_DAYS,  # adult
    TermId("HP:0011462"): 16 * YEAR_DAYS,  # young adult
    TermId("HP:0003596"): 40 * YEAR_DAYS,  # middle age
    TermId("HP:0003584"): 60 * YEAR_DAYS,  # late
}
