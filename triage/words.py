"""The fixed lists of an enquiry and of a wrap-up: slugs as they are posted and stored, and their words in English.

The order is the order on the page. Nothing here knows of a database or a request. Lists that an admin may edit start
with what stands here.
"""

from collections.abc import Mapping
from enum import StrEnum


class Urgency(StrEnum):
    EMERGENCY = "emergency"
    SAME_DAY = "same_day"
    ROUTINE = "routine"


class Presence(StrEnum):
    """What an advisor says of themselves; offline is the absence of all."""

    ONLINE = "online"
    BUSY = "busy"
    AWAY = "away"


Words = Mapping[str, str]

DANGER: Words = {"yes": "Yes", "unsure": "I am not sure", "no": "No"}

CALLED_999: Words = {
    "yes": "999 has been called",
    "not_needed": "999 is not needed: nobody is in danger at this moment",
}

SECTORS: Words = {
    "police": "Police",
    "probation": "Probation or prisons",
    "childrens_social_care": "Children's social care",
    "adult_social_care": "Adult social care",
    "mental_health": "Mental health",
    "health": "Health: primary, community or acute",
    "substance_use": "Substance use",
    "housing": "Housing or homelessness",
    "education": "Education or early years",
    "victim_service": "Domestic abuse service for victims",
    "perpetrator_service": "Service for people who use abuse",
    "youth_justice": "Youth justice",
    "courts": "Courts, Cafcass or legal",
    "local_authority": "Local authority, other",
    "voluntary": "Voluntary or faith organisation",
    "employer": "Employer or human resources",
    "other": "Other",
    "prefer_not_to_say": "Prefer not to say",
}

SIGNPOSTS: Words = {
    "not_work_experiencing_abuse": "No, I am experiencing abuse",
    "not_work_own_behaviour": "No, I am worried about my own behaviour",
    "not_work_public": "No, I am a friend, a relative or a member of the public",
}
"""Answers to the question about work that lead to other services and start nothing."""

AREAS: Words = {
    "avon-and-somerset": "Avon and Somerset",
    "bedfordshire": "Bedfordshire",
    "cambridgeshire": "Cambridgeshire",
    "cheshire": "Cheshire",
    "city-of-london": "City of London",
    "cleveland": "Cleveland",
    "cumbria": "Cumbria",
    "derbyshire": "Derbyshire",
    "devon-and-cornwall": "Devon and Cornwall",
    "dorset": "Dorset",
    "durham": "Durham",
    "dyfed-powys": "Dyfed-Powys",
    "essex": "Essex",
    "gloucestershire": "Gloucestershire",
    "greater-manchester": "Greater Manchester",
    "gwent": "Gwent",
    "hampshire-and-isle-of-wight": "Hampshire and Isle of Wight",
    "hertfordshire": "Hertfordshire",
    "humberside": "Humberside",
    "kent": "Kent",
    "lancashire": "Lancashire",
    "leicestershire": "Leicestershire",
    "lincolnshire": "Lincolnshire",
    "merseyside": "Merseyside",
    "metropolitan": "Metropolitan (London)",
    "norfolk": "Norfolk",
    "north-wales": "North Wales",
    "north-yorkshire": "North Yorkshire",
    "northamptonshire": "Northamptonshire",
    "northumbria": "Northumbria",
    "nottinghamshire": "Nottinghamshire",
    "south-wales": "South Wales",
    "south-yorkshire": "South Yorkshire",
    "staffordshire": "Staffordshire",
    "suffolk": "Suffolk",
    "surrey": "Surrey",
    "sussex": "Sussex",
    "thames-valley": "Thames Valley",
    "warwickshire": "Warwickshire",
    "west-mercia": "West Mercia",
    "west-midlands": "West Midlands",
    "west-yorkshire": "West Yorkshire",
    "wiltshire": "Wiltshire",
    "british-transport-police": "British Transport Police",
    "scotland": "Scotland",
    "northern-ireland": "Northern Ireland",
    "national": "National, or several areas",
    "prefer-not-to-say": "Prefer not to say",
}

TOPICS: Words = {
    "talking_with_them": "Talking with someone who uses abuse",
    "recognising_risk": "Recognising and describing risk",
    "finding_a_programme": "Finding a programme or making a referral",
    "multi_agency": "Multi-agency routes, such as MARAC and MAPPA",
    "orders_and_disclosure": "Orders and disclosure, such as DAPO and Clare's Law",
    "victim_and_children_safety": "Safety of victims and children",
    "sharing_and_recording": "Sharing information and recording",
    "housing": "Housing",
    "family_court": "Family court and contact",
    "worker_safety": "My own safety and wellbeing at work",
    "service_development": "Developing a service",
    "other": "Something else",
}

DEADLINES: Words = {
    "today": "Today, or in the next 24 hours",
    "days": "In the next few days",
    "none": "There is no fixed time",
}

DEADLINE_HINTS: Words = {"today": "For example a visit, a hearing, a release or the end of a shift"}

RISK_FLAGS: Words = {
    "strangulation": "Strangulation or suffocation",
    "threat_to_kill_or_weapon": "A threat to kill, or a weapon",
    "recent_separation": "A separation or a new relationship in the last 3 months",
    "stalking": "Stalking or tracking",
    "order_breached": "An order, bail condition or licence was breached",
    "victim_located_or_disclosed": "They found out where the victim is, or what the victim said",
    "suicide_threats": "Threats of suicide, or to harm children",
    "child_at_serious_risk": "A child is at serious risk",
}

NO_RISK_FLAGS: Words = {"none": "None of these", "unsure": "I am not sure"}
"""Each stands alone: ticked beside anything else it is a contradiction."""

LANGUAGES: Words = {"en": "English", "cy": "Cymraeg"}

URGENCIES: Words = {
    Urgency.EMERGENCY: "Emergency",
    Urgency.SAME_DAY: "Same day",
    Urgency.ROUTINE: "Routine",
}

OUTCOMES: Words = {
    "advised": "Advice given",
    "signposted": "Signposted to another service",
    "safeguarding_shared": "Safeguarding concern shared",
    "follow_up_agreed": "Follow-up agreed",
    "not_in_scope": "Not in scope",
    "visitor_left": "The visitor left",
    "other": "Other",
}

ABUSE_TYPES: Words = {
    "physical": "Physical",
    "sexual": "Sexual",
    "harassment_stalking": "Harassment or stalking",
    "jealous_controlling": "Jealous or controlling",
    "economic": "Economic",
    "psychological": "Psychological",
    "technology": "Through technology",
    "honour_based": "So-called honour-based, or forced marriage",
    "child_to_parent": "Child or adolescent to parent",
    "other": "Other",
    "not_known": "Not known",
}

RISK_LEVELS: Words = {
    "standard": "Standard",
    "medium": "Medium",
    "high": "High",
    "not_assessed": "Not assessed",
    "not_known": "Not known",
}
"""As the visitor reported it. The service never grades a case itself."""

SAFEGUARDING: Words = {
    "none": "Nothing was shared",
    "visitor_will_refer": "The visitor will refer",
    "shared_by_us": "Shared by us",
}

SERIAL: Words = {"yes": "Yes", "no": "No", "not_known": "Not known"}

PRACTICE: Words = {"yes": "Yes", "no": "No", "unsure": "I am not sure"}

PRESENCES: Words = {Presence.ONLINE: "Online", Presence.BUSY: "Busy", Presence.AWAY: "Away"}
