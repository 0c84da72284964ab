"""The words that a new service starts with: what means the same in this field, and what says nothing by itself."""

# What one person writes as an abbreviation another writes out. Editors change the list; this is what it begins with.
SEED = (
    "DVDS, Clare's Law, Domestic Violence Disclosure Scheme, right to ask, right to know",
    (
        "NFS, non-fatal strangulation, strangulation, strangling, choking, choked, throttling, suffocation, "
        "hands round the neck, hands around the neck, hands round the throat, hands around the throat, hand on the "
        "throat, grabbed by the throat"
    ),
    "DAPO, domestic abuse protection order",
    "DAPN, domestic abuse protection notice",
    "DVPO, domestic violence protection order",
    "DVPN, domestic violence protection notice",
    "SPO, stalking protection order",
    "NMO, non-molestation order, non-mol",
    "IDVA, independent domestic violence adviser, independent domestic violence advisor",
    "ISVA, independent sexual violence adviser, independent sexual violence advisor",
    "MARAC, multi-agency risk assessment conference",
    "MAPPA, multi-agency public protection arrangements",
    "CCB, coercive control, controlling behaviour, coercive behaviour, controlling or coercive behaviour, gaslighting",
    "DASH, RIC, risk checklist, risk assessment checklist",
    "DARA, domestic abuse risk assessment",
    "DARDR, DHR, domestic homicide review, domestic abuse related death review",
    "HBA, HBV, honour based abuse, honour based violence, so-called honour",
    "FGM, female genital mutilation",
    "CSC, children's social care, children's services, social services",
    "ASC, adult social care",
    "DSL, designated safeguarding lead, safeguarding lead",
    "DAPP, domestic abuse perpetrator programme, perpetrator programme, behaviour change programme, perpetrator group",
    "BBR, Building Better Relationships",
    "perpetrator, abuser, person using abuse, abusive partner",
    "VAWG, violence against women and girls",
    "VAWDASV, violence against women domestic abuse and sexual violence",
    "GDPR, data protection, information governance",
    "LGBT, LGBTQ, same-sex, gay, lesbian, bisexual, transgender",
    "PPO, probation officer, offender manager",
    "GP, general practice, primary care",
    "CPN, mental health nurse",
    "s47, section 47, child protection enquiry",
    "s17, section 17, child in need",
    "s42, section 42, adult safeguarding enquiry",
    "couples counselling, couple therapy, relationship counselling, mediation",
    "suicidal, suicide, kill himself, kill herself, end his life, take his own life",
    "vicarious trauma, burnout, compassion fatigue",
)

_SAY_NOTHING = """
    a about above after again all also am an and any are as at be because been before being below between both but
    by can could did do does doing don down during each few for from further get got had has have having he her here
    hers him his how i if in into is it its just like ll m me more most my no nor not now of off on once only or
    other our out over own please re s said same says she should so some such t than that the their them then there
    these they this those through to too under until up ve very want was we were what when where which while who
    whom why will with would you your yours yourself
"""
STOP_WORDS = frozenset(_SAY_NOTHING.split())

# What is said in every talk and tells no article from another.
_SMALL_TALK = """
    able actually advice advise anything anyone area around ask asked asking bit case client come day days down everything feel
    find first give given go goes going good great happen happened hear hello help hi hope idea issue keep kind know last let like
    little long lot make maybe mean might moment month months morning much need needs new next night now ok okay old one ones
    people perhaps person please possible probably put question quite really right round see seem seems situation someone
    something soon sorry start still sure take talk tell thank thanks thing things think time today told tomorrow towards try
    trying use useful using wait want wanted wants way week weeks well without wonder wondering work working would year years
    yes yesterday yet
"""
SMALL_TALK = STOP_WORDS | frozenset(_SMALL_TALK.split())
