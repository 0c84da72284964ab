"""What may be named in every message: people of public life, helplines, the pages and mailboxes of public bodies.

Only data. What is listed here passes the search for identifiers; it is never given out from here.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Researchers and cases that practitioners quote.
PUBLIC_PEOPLE = frozenset(
    {
        "Alice Ruggles",
        "Andrew Tate",
        "Angela Black",
        "Boris Johnson",
        "Caroline Flack",
        "Chris Brown",
        "Conor McGregor",
        "David Beckham",
        "Donald Trump",
        "Ed Sheeran",
        "Elon Musk",
        "Harry Potter",
        "Harry Styles",
        "Holly Willoughby",
        "Joe Rogan",
        "Johnny Depp",
        "Amber Heard",
        "Keir Starmer",
        "Michael Kors",
        "Phillip Schofield",
        "Prince Andrew",
        "Rishi Sunak",
        "Ryan Giggs",
        "Ryan Reynolds",
        "Taylor Swift",
        "Tommy Robinson",
        "Tyson Fury",
        "Vincent de Paul",
        "Arthur Labinjo-Hughes",
        "Baby Peter",
        "Claire Throssell",
        "Daniel Pelka",
        "Frank Mullane",
        "Helena Kennedy",
        "Logan Mwangi",
        "Louise Casey",
        "Michael Flood",
        "Sally Challen",
        "Sara Sharif",
        "Star Hobson",
        "Stephen Lawrence",
        "Victoria Climbié",
        "Aneurin Bevan",
        "Betsi Cadwaladr",
        "Clare Wood",
        "Ellen Pence",
        "Evan Stark",
        "Glan Clwyd",
        "Hywel Dda",
        "Marks and Spencer",
        "Jack Daniels",
        "Jacquelyn Campbell",
        "Jane Monckton Smith",
        "Jess Hill",
        "Jess Phillips",
        "Jordan Peterson",
        "Laura Richards",
        "Lundy Bancroft",
        "Michael Johnson",
        "Monckton Smith",
        "Nicole Jacobs",
        "Piers Morgan",
        "Raneem Oudeh",
        "Sarah Everard",
        "Suzy Lamplugh",
    }
)

# Lines that practitioners and advisors hand on. What is listed here passes; it is never given out from here.
HELPLINES = frozenset(
    {
        "02070080151",  # Forced Marriage Unit
        "02072516577",  # Rights of Women
        "03001233393",  # Mind
        "03001236600",  # Frank
        "03003300630",  # LGBT+ Switchboard
        "03004564000",  # Cafcass
        "08000121700",  # Modern Slavery Helpline
        "08000684141",  # Papyrus
        "08001111",  # Childline
        "0800555111",  # Crimestoppers
        "0800585858",  # CALM
        "08005999247",  # Karma Nirvana
        "08009995428",  # Galop
        "08081000900",  # Stop It Now
        "08081689111",  # Victim Support
        "08082000247",  # National Domestic Abuse Helpline
        "08085002222",  # Rape Crisis
        "08088005000",  # NSPCC
        "08088004444",  # Shelter
        "08088010327",  # Men's Advice Line
        "08088010331",  # NAPAC
        "08088010800",  # Live Fear Free
        "08088020300",  # National Stalking Helpline
        "08088024040",  # Respect Phoneline
        "08088088141",  # Hourglass
        "07860077333",  # Live Fear Free by text
        "01823334244",  # Mankind Initiative
    }
)

# Pages and role mailboxes of these may be quoted.
PUBLIC_DOMAINS = [
    "gov.uk",
    "police.uk",
    "nhs.uk",
    "nhs.net",
    "cjsm.net",
    "gov.wales",
    "llyw.cymru",
    "parliament.uk",
    "judiciary.uk",
    "respect.org.uk",
    "respect.uk.net",
    "respectphoneline.org.uk",
    "mensadviceline.org.uk",
    "drivepartnership.org.uk",
    "driveproject.org.uk",
    "safelives.org.uk",
    "refuge.org.uk",
    "womensaid.org.uk",
    "welshwomensaid.org.uk",
    "nationaldahelpline.org.uk",
    "karmanirvana.org.uk",
    "galop.org.uk",
    "nspcc.org.uk",
    "suzylamplugh.org",
    "paladinservice.co.uk",
    "rapecrisis.org.uk",
    "samaritans.org",
    "stopitnow.org.uk",
    "victimsupport.org.uk",
]

# What the mailbox of a team is called.
ROLES = _words("""
admin advice adultsafeguarding adults bookings box business care childrens contact court courts da dadrive desk
domesticabuse drive duty edt enquiries families family feedback firstcontact front frontdoor help helpdesk helpline
help-line hub idva info inbox information intake iopc legal mail mailbox mappa marac mash matac media noreply no-reply
office omu pdu police post probation records referral referrals reception safe safeguarding secure social services support
team training unit vlo webchat west east north south central
""")
