"""English words that are seldom meant as names: function words, question words, the nouns and verbs of questions.

A mention made of these alone counts little, unless its case says that it is a name.
"""

_WORDS = """
a an the this that these those some any no every each all both either neither none other another such same own i
me my mine we us our ours you your yours he him his she her hers it its they them their theirs myself himself
herself itself themselves one ones someone somebody something anyone anybody anything everyone everybody
everything nobody nothing who whom whose which what when where why how whether whatever whoever is am are was
were be been being do does did done doing have has had having can could may might must shall should will would
ought s t d ll m re ve don didn doesn isn aren wasn weren hasn haven hadn can couldn wouldn and or but nor so
yet if then else because since although though while unless until than as of in on at by for from to into onto
out up down off over under above below between among through during before after about against along around
across behind beside besides beyond inside outside near with within without toward towards upon via per like
unlike except not only just also too very much many more most less least few little several enough again once
ever never always often sometimes usually already still even here there now today currently together else first
last next new old big small large great good bad long short high low young early late main major famous well
known popular different similar common tell me give show list find name named names called call say please know
want need mean means let us get got make makes made making take takes took taken come comes came go goes went
see saw seen use uses used happen happens happened exist exists belong belongs include includes included contain
contains have kind kinds type types sort sorts number numbers amount count total thing things way ways part
parts people person persons man men woman women guy place places time times date dates day days month months
year years work works worked working write writes wrote written writer writers author authors direct directs
directed director directors star stars starred starring act acts acted acting actor actors actress actresses
appear appears appeared play plays played player players film films movie movies book books song songs show
shows picture pictures release releases released language languages genre genres tag tags topic topics subject
subjects word words rating rate rated vote votes voted born birth die died dies death live lives lived married
marry spouse wife husband child children son daughter parent parents mother father brother sister country
countries city cities town capital state states continent river mountain population currency currencies border
borders bordering neighbour neighbours neighbor neighbors located location spoken speak speaks company companies
found founded founder member members team teams school university job profession win wins won award awards
create created creator invent invented start started begin began end ended share shared related relation between
group band title titles question answer answers yes no
"""

COMMON_WORDS = frozenset(_WORDS.split())
