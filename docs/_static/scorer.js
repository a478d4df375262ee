// How search orders what it finds. All but `score` is as Sphinx has it; there the words of an id such as PF-FIX-012 count
// as much in any page that has them in its title as the section whose title it is.
var Scorer = {
  score: ([docname, title, anchor, description, score, filename, kind]) => (kind === "title" ? score + 100 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
