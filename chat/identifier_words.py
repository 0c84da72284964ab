"""Words that the search for names and numbers leans on: given names, the field's own terms, places, helplines.

Only data. A word in ORDINARY never counts as part of a name, a word in ORGANISATION clears the whole run
of capitals it stands in. The lists are generous to common speech and can never be complete.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CAPITAL = "A-ZÀ-ÖØ-ÞŁŚŠŽŻŹĆČĐŴŶŸĀĒĪŌŪĂȘȚŐŰĞİŞŇŘŤĎĽ"
"""The capitals of the languages that names come from, for use inside a class of a pattern."""

TITLES = _words("""
Mr Mrs Ms Miss Mx Dr Prof Professor Rev Reverend Imam Rabbi PC WPC DC DS DI DCI PCSO Sgt Insp Cllr Sir Lady HHJ PS MR MRS MS
""")

# Whatever follows these is a surname, be it a plain word: "Mr Black", "Mrs Long".
CIVIL_TITLES = _words("Mr Mrs Ms Miss Mx Prof Rev Cllr MR MRS")

# Words of office and kin: what follows is a name unless it is a plain word, as in "Judge only", "Nurse Practitioner".
SOFT_TITLES = _words("""
Judge Nurse Sister Aunty Auntie Aunt Uncle Nan Nana Nanny Nain Taid Gran Granny Grandma Grandad Pastor Father Detective
Constable Sergeant Inspector Superintendent Supt Councillor Doctor Officer Sargeant Barnwr
""")

OFFICERS = _words("Judge Constable Sergeant Inspector Superintendent Councillor")

# Names that are places or plain words too: they count only after "called", "her partner", a title and the like.
CUED_NAMES = _words("""
alexandria allan amber angel angus arran ashley ashton autumn barry basil beth bill brad bradley brandy brent brogan brooke
chelsea christian clay clayton clifford clinton colleen dalton derrick destiny devon diamond douglas earl eden ellen ernest
eve faith frank harold hector holly hunter india jordan kelsey kent kirby kirk lance lawrence leigh logan lynn mason meg
misty mitchel nadir patty perry pierce preston randy raven rick ross sherry sierra stanley stewart summer tanner troy
victoria virginia
""")

# These are names in any spelling: no ordinary word is written like them.
GIVEN_NAMES = _words("""
aaliyah aaron abbie abdul abdullah abigail abu adam adeel adele adrian agnieszka ahmad ahmed aidan aisha aled alan alana
alastair alberto alejandro aleksandra alex alexander alexandra alfie ali alice alicia alison alistair amanda amelia amina
amir amit amy ana anas andrea andreea andrei andrew andrzej andy aneurin angela angharad anil anita ann anna anne annette
anthony antonio anwar arjun arthur arturas asha asif asma audrey ava ayesha barbara bartosz beata becky ben benjamin
bernadette bernard bethan beverley bilal billy blessing bogdan brandon brenda brendan brian bronwen bryan caitlin callum
calum cameron carl carla carly carmen caroline carwyn catherine catrin cerys ceri charlene charles charlotte chidi chloe
chris christina christine christopher ciara claire clare claudia colin connor conor corey cristina curtis cynthia damian
daniel danielle danny daren darius darran darren dave david dawid debbie deborah declan deepak denise dennis derek diana
diane dilys dipak dmitri dominic donna doreen dorota dorothy dylan eddie edward edyta eileen eilidh eirlys elaine elena
eleri elias elin elizabeth ella ellie elliot elsie emilia emily emma emmanuel eric erin esther ethan eva evelyn ewa fatima
fatimah fiona frances francesca freddie freya gabriel gareth gary gavin gemma geoff geoffrey george gerald geraint geraldine
gerard gethin gheorghe gillian giovanni gordon graeme graham greg gregory grzegorz gwen gwyneth gwyn hamza hannah hanna
harpreet harriet harrison hasan hassan hayley helen helena henry hilary howard hugh huw hussain hussein hywel ian ibrahim
ieuan ifan igor imran ioan ionut irena isaac isabel isabella isla ismail iwan jacek jackie jacob jacqueline jaden jake jakub
james jamie jane janet janice janusz jared jason jasmine javed jayden jean jeff jeffrey jen jenna jennifer jenny jeremy
jermaine jerome jerzy jess jessica jill jim jimmy joan joanna joanne jodie joe joel johanna john johnny jolanta jon jonathan
jose joseph josephine joshua joyce juan judith julia julian julie juliet kaitlyn kamal kamil karen karim karl karolina kasia
kate katarzyna katherine kathleen kathryn kathy katie katrina kayleigh keith kelly kelvin ken kenneth kerry kevin khadija
khalid kieran kim kimberley kirsten kirsty krishna kristina krystyna krzysztof kumar kwame kyle lauren laura laurence leah
leanne leon leonard lesley leslie lewis liam linda lindsay lindsey lisa lloyd lorna lorraine louis louise luca lucas lucy
luis lukasz luke lynda lynne lynsey maciej madison magdalena mahmood mair malcolm malgorzata mandy manjit marc marcin marcus
mared margaret maria mariam marian marie marilyn marion mariusz marta martha martin martyn mary maryam mateusz matthew
maureen mehmet megan melanie melissa michael michaela michal michelle mick miguel mihai mike mikey miriam mitchell mohamed
mohammad mohammed monica monika morgan muhammad mustafa myfanwy nadia naomi natalia natalie natasha nathan nathaniel naveed
neil nia niamh nicholas nicola nicole nigel nikki nikita nina noah noel noreen norma norman oksana oliver olivia olga
oluwaseun omar osman owain owen pamela patricia patrick patrycja paul paula pauline pawel pedro peter petra philip phillip
phoebe phil piotr priya rachael rachel radoslaw rafal raj rajesh ramona rebecca reece rhian rhiannon rhodri rhys ricardo
richard ricky rita robert roberto roger ronald ronnie rosemary rosie roxanne russell ruth ryan sabrina sadie sahil saima
sally salman sam samantha samina samir samuel sanjay sarah saskia scott sean sebastian sergei shabana shahid shane shannon
sharon shaun shauna sheila shelley shirley sian siân simon siobhan sioned sofia sonia sophia sophie stacey stanislaw stefan
stephanie stephen steve steven stuart sunita surinder susan suzanne svetlana sylvia szymon tamara tanya tariq tegan teresa
terence terry thea theo theresa thomas tim timothy tina toby tom tomasz tommy tony tracey tracy tricia trevor tristan tudor
tyler usman valerie vanessa vasile veronica vicky victor vijay vincent vladimir vivian waleed walter wanda wayne wendy
wesley wiktoria william wojciech xavier yasmin yolanda yousef yusuf yvonne zac zachary zahra zainab zara zbigniew zoe zofia
zoë zuzanna abdi abdirahman adebayo ademola adil adriana afzal agata ahsan aiden alfred alicja aliyah alun alwyn amal
amandeep amara amelie amir aneta anisa anthea aoife arlo arwel asad ashraf aurelia azra babatunde baljit bashir bernice
beryl bhavna bozena brett bridget bryn caleb caleigh calvin carys catalin cecilia celine chantelle chelsie chinedu
chukwuemeka clara clive constantin courtney craig czeslaw dafydd dagmara daniela danuta darcy dariusz davina dawood deana
deirdre delyth demetrius devinder dewi dinesh duncan dwayne dwight ebony edith efosa eifion elis eliza elwyn emeka emrys
enid ethel eugene eunice faisal farah farhan farida farooq faye felicity femi ferenc fergus ffion florin folake frederick
gaynor gavril gerry gilbert giles gita gladys glenda glynis gosia grainne grigore guto gwenda gwilym gurpreet habib hamid
hamish harald hari harjit harun harvey haroon heledd herbert hermione hubert humphrey ifeoma iman ines ingrid iona iqbal
irene irfan iulia ivor izabela jagdeep jamal jamila jannat janina jaroslaw jasmin jaswinder jaya jeanette jenni jermain
joann jocelyn johan jonas jonny jozef jude judy julianna justine justyna kacper kaleem kamila kareem karina karin kasim
katrin kayla keira keiran kenny kenji khaled kinga kirsteen klaudia kofi kuldeep kwabena kylie lamin lara lavinia layla lena
leroy leszek liliana lilian linus lois lorenzo lowri lucinda ludmila luiza luqman lydia lyn mabel magda mahesh maisie malik
manpreet mansoor marek margarita margot mariana maribel mariella marko marlene marta marvin masood matilda maxine mehdi
meera meghan mehmood meirion meredith mervyn michel mildred miroslav mohamud mohsin moira moses muhammed muna murad murat
musa mykola myles nabeel naheed narinder nasir nasreen neha nerys nesta nicolas nikhil nikola noor noorjahan nuala obinna
odette ola olena olivier olu olumide oluwatobi omer oscar osian otis pablo padraig paige parminder parveen paulette petr
petru philippa phyllis pooja prakash quentin rabia radu rahim rahul rajinder ralph ramesh randeep ranjit raquel rashid
raymond razia reginald reuben rhona rhydian roisin ronan rory rosa rosalind roshan roxana rubina rupert ruqayyah sabina
sadia safia salim salma samira sampson sandeep sandra sanjeev santiago saoirse sarfraz satnam sayed seamus selina seren
shabir shaheen shahida shamim shan shanelle shanice sharmila shazia shreya sidra silvia simona sinead slawomir sohail
solomon sorin stefania sukhdeep sukhjit suresh susana susannah sybil sylwia tadeusz tahir talia tamika tania tanisha tasha
tatiana tatyana tayyab terri tess tessa theodore thierry tiffany tomos tonya traci trefor tunde umar una ursula uzma
valentina vasyl verity vijaya vikram viorel vivienne vytautas warren wasim wendell wilfred wilhelmina winifred winston
wladyslaw yahya yasin yasmine yetunde yuki yuliya yunus yuri yuusuf yvette zaheer zakia zeeshan zeinab zelda zenon ziad
zoltan zubair zygmunt
""")

# These are ordinary words as well, so they count only with a capital in the middle of a sentence.
AMBIGUOUS_NAMES = _words("""
bob bobby carol charlie chase cliff clay crystal daisy dale dan dawn dean don drew gene glen grace grant guy harry hazel
heather hope ivy jack jade jasper jay jerry josh joy kay kit lee lily mark melody mia molly miles nick olive pat pearl penny
pippa poppy ray rich rob robin rod rose rowan ruby sandy sara skye sue sonny violet will willow
""")

# Enough surnames to hide the second half of a name that is typed in small letters.
SURNAMES = _words("""
adams ahmed ali allen anderson bailey baker begum bennett brown campbell carter chapman clark clarke collins cook cooper cox
davies davis edwards ellis evans fletcher foster gibson gray green griffiths hall harris harrison hill holmes howard hughes
hunt hussain jackson james jenkins johnson jones kaur kelly khan king knight kowalski lewis lloyd marshall martin mason
matthews miller mitchell moore morgan morris murphy murray nowak owen palmer parker patel phillips powell price rees reid
reynolds richards richardson roberts robinson rogers russell scott shah shaw simpson singh smith stevens stewart taylor
thomas thompson turner walker walsh ward watson webb white williams williamson wilson wood wright young
""")

# What may follow "mr" without being a name.
AFTER_SMALL_TITLE = _words("""
and are but for from had has her him his not now said says she the they this was went were who will with would only page
pages word words excel teams outlook group groups on off at as to of
""")

# With one of these in it, a run of capitals names a body, a law, a place or a paper.
ORGANISATION = _words("""
academy act action advice agency agreement aid alliance assessment association authority avenue bill board borough bureau
campaign card care centre charity church city clinic club code college commission commissioner committee conference council
county court courts day department direction directive district drive encompass federation festival fish force forces form
forum foundation framework group guidance guidelines guide health helpline hospital hostel house hub index initiative
institute justice lane law line magistrates matrix model month mosque network office officer order orders panel parish
parliament partnership pathway phoneline plan police policy practice premises prison probation procedure programme project
protocol record register relationships report review ribbon road rovers royal rule safeguarding scale scheme school secure
service services society square standard standards station statutory strategy street studies summit support surgery survey
team theatre tool town tracker training tribunal trust typology union unit united university valley way week wheel adran
bwrdd canolfan capel cartrefi coleg cwrs cymdeithas cyngor deddf eglwys elusen fwrdd gyngor gwasanaeth gwasanaethau grŵp
heddlu llinell llys llyfrgell llywodraeth meddygfa mudiad neuadd partneriaeth prifysgol prosiect pwyllgor rhaglen rhwydwaith
swyddfa tîm uned ymddiriedolaeth ysbyty ysgol ysgolion wasanaeth wasanaethau arms avenue buildings cottage crossing estate
farm gardens gate grove inn junction lodge mews park quay retail roundabout shopping stadium taproom terrace tavern wharf
industrial leisure library museum barracks airport primary infants juniors college comprehensive nursery playgroup sixth
sure flying homes holdings housing ltd limited llp plc cic uhb inquiry inquest taskforce toolkit workbook manual handbook
charter bulletin newsletter conference seminar webinar podcast app helpdesk freephone textphone system database portal
folder module
""")

# No part of a name: how sentences begin, the field's words, days, months, peoples, firms.
ORDINARY = _words("""
mags merlin holmes libra crest compass genie sleuth arena juno athena minerva hestia artemis phoenix atlas op ops
a able about access according account actually adult advisor advisors adviser advisers after afternoon again age agencies
all allegation also although always am an and angry another any anybody anyone apparently approved are around article as ask
asked asking assuming at attended aunt autism away baby bail based because becoming been before behaviour being best better
big black boys breach breaches brother building but by call called calls can cannot caring carer case caseload cases
category chapter chair changed chief child children childrens choices christmas civil client clinical close coercive
colleague colleagues come coming community concern confidential considering consultant contact control controlling could
crown current custody cyber dad dads daddy data daughter deputy detective did disclosure discussed do doctor does doing
domestic done drug drugs due during each early eastern economic eid either else emergency england english equality even
evening ever every everyone ex exclusion existing families family father fathers feedback female few final finally first
five flat foster four free friend from front full fully further future general gentle get girls give given go going good got
gp grandad grandma great group had happy harm has have having he head heavy hello help helped her here hers hi high him
himself his home honour hospital housing how however human i if immediate impact imposed in information initial
international into is isle it its job joint judge just karma keep key kids king know lady last law lead learning led let
level levels liaison licence life live local long looking lord lot low ltd main majesty majestys make male man manager many
married maybe me medium meeting men mens mental mentioned merry met midwife might minister ministry missed monitoring more
morning most mother much mum mummy multi must my nan national nearest need needs neither nephew never new next nice niece
night no nobody non north northern not nothing now nurse of offender offenders offering officers often oh ok okay old on
once one only open operation options or other our out outside over own pain page para part partner parole past per perhaps
perpetrator person personal peterborough phone please plus police possible post power previous primary prime prince princess
prior probably problem professional psychiatrist public queen question quick ramadan rape rather re read reader really
received recently reference referral referrals referred regarding regards related relationship release reported resident
resolve respect restraining right rights risk risks role room rude safe safer said saint same say saying says schedule
second secondary section senior serious seriously session shared she shift short should sibling since sir sister skills so
social solicitor some somebody someone sometimes son soon sorry south southern speaking specialist spoke st stage stalking
started step still strengths strict subject such supervisor supervision suppose sure suspect suspended talking teacher tell
text than thank thanks that the their them then there therefore these they thing things think thinking third this those
though three through thus tier to today told tomorrow tonight too toward two uncle under understood unfortunately universal
until up update upon urgent us use used user using usual very via victim victims view violence visit visitor wales was we
welcome welfare well welsh went were west western what when where whether which while white who whole whom why wife will
wish with within without witness woman women womens work worker workers working would written year years yes yesterday yet
you young your yours youth abuse abusive accommodation add admin again agreed alcohol alternatively amazing anyhow anyway
appeal appreciate arrested awful bank basically been begin believe bottom brief briefly brilliant bring brought cannabis
case cheers chronic closed cocaine come commission complete completed compulsory confirm confused contact convicted correct
create crisis curious cut daily dear define deal despite different difficult digital direct discuss discussion draft drink
drinking dual easy eh email end enforcement enquiry escalation especially essentially eventually everything evidence exactly
excellent except extra fair false fine fingers follow fixed followed following term terms found funded funding fyi given
glad goodbye google great guess had half haha hang hate hear heard hearing heya hey hiya hold holiday honest honestly honour
hopefully hospital human if important impossible in include indeed inside instead interested interim interpreter
intervention involved issue issued joint just keeping kind knew knowing known landlord large lately later leave leaves left
lesson letter letting like likely listen literally little locally logged lots loved luckily mainly making many maternity
matter meanwhile medical meet men method might mind minimum missing mix mobile moment money mostly move moved moving
multiple name named names near neighbour neighbours night nope norm normally notice noted nothing number numbers nurse
obviously odd offered often online onto opened order ordinary original otherwise ours overall paid parent parents
particularly past paste pending perfect permission picked plain planned planning play pointless poor positive practically
prefer pregnant prepared present presumably pretty previously print private proper protect protective proud provided pure
put question questions quiet quite quote random rang rarely read ready real reason receive refused remember remind removed
repeat replied report request required respite rest returned review right run sad saw school score scored seems seen self
send sent separated separately several severe sexual shall similarly simple simply since site sitting sleep slow small
social somewhere sounds specific spent spot stand standing start starting stated stay stayed stop strong stuck student study
sunny super support supposedly surely surprisingly ta take taken taking tea team tenancy test texted thankfully thats theory
therapy threats threatened time tiny title together tomorrow top totally touch tough toxic tracker tried tricky true trouble
truly trying turns typical typically ultimately un underage unlike unsure upset upstairs useful usually various video
voluntary wait waiting walked wanted wants warning watch watched wednesdays weekend weekends weekly weird well wherever
whoever wonder wondering word words worried worse worst worth wow write wrong yeah yep yours zero monday tuesday wednesday
thursday friday saturday sunday mon tue tues wed thu thurs fri sat sun january february march april may june july august
september october november december jan feb mar apr jun jul aug sept sep oct nov dec easter diwali hanukkah halloween spring
autumn winter british scottish irish welsh european polish romanian ukrainian russian pakistani indian bangladeshi chinese
african caribbean asian arabic urdu punjabi bengali somali turkish kurdish portuguese spanish french german italian muslim
christian catholic hindu sikh jewish buddhist roma traveller travellers cymraeg cymru lloegr bore prynhawn nos da diolch
shwmae helo ac am ar ai at beth bydd byddai cafodd colli cyn dan de doedd dydd dyma dyna diolch eisiau faint fe fel gallwch
gogledd gan gofal gwelodd hi hefyd heb hefo i iawn llun mawrth mercher iau gwener sadwrn sul ionawr chwefror ebrill mai
mehefin gorffennaf awst medi hydref tachwedd rhagfyr mae maen mi nad nadolig neu ni nid nifer oedd oes oherwydd ond os pa
pam pan pasg pryd pwy roedd rydw rydyn rwy rwyf rhaid rhywun rhif sir siaradais shwmai sut teulu teuluoedd tra trwy wedi
wnaeth ydy ydych yma yn yr ysgrifennu gwynedd gâr gaerfyrddin benfro fynwy ddinbych fflint caerdydd abertawe casnewydd
wrecsam bangor prawf cefnogaeth cymorth tai adferiad atal barod bawso calan cyfannol cyfle cynllun dyfodol gisda gorwel
gwella hafal hafan hafod kaleidoscope llamau merthyr platfform pobl stori teuluoedd threshold trivallis wallich ymlaen adra
tarian cais cgl catch22 cranstoun humankind ingeus inspire seetec serco sodexo nacro hestia solace advance bch hubb liveline
oneplus phoenix pivotal seren stonewall pashto farsi dari tamil gujarati hindi mandarin cantonese tagalog tigrinya amharic
swahili yoruba igbo sylheti sorani kurmanji lithuanian latvian bulgarian albanian hungarian slovak czech greek dutch swedish
iranian iraqi syrian afghan nigerian ghanaian kenyan eritrean ethiopian sudanese vietnamese filipino jamaican brazilian
american australian canadian scouse geordie cockney gypsy islam islamic koran quran bible allah god jesus christ buddha hajj
imam ramadhan eid mubarak pentecostal methodist anglican baptist jehovahs mormon rastafarian christmassy xmas boxing
hogmanay bonfire valentines sertraline mirtazapine fluoxetine citalopram diazepam pregabalin gabapentin methadone subutex
buvidal espranor naltrexone antabuse olanzapine quetiapine risperidone clozapine lithium propranolol codeine tramadol
oramorph viagra ketamine mephedrone spice valium xanax zopiclone librium ritalin concerta elvanse aldi asos audi bmw corsa
costa dacia dpd dunelm etsy evri fiesta ford gmail greggs hermes hsbc kia kfc lidl lyca mercedes mitie nandos nintendo
nissan nokia ocado peugeot pinterest primark renault revolut roblox royal skoda spar starling subway temu tesla toyota
vauxhall volkswagen vw wetherspoons wetherspoon wickes wilko xbox alexa siri airtag airtags fortnite discord reddit signal
viber wechat kik snap insta insta whatsapps powerpoint sharepoint onedrive duluth stella carling guinness heineken fosters
jd vodka liquidlogic carefirst mosaic wccis niche athena ecins systmone rio paris emis delius visor oasys viper pentip perp
perps bloke blokes fella hubby missus mam lad lads mate mates guv nhs num pnc dob crn upn nino tel mob ref refs dv da dva
vawg marac maracs mappa mash dash dara sara idva idvas isva isvas iaa iom oasys psr rar hdc csc lado dsl senco ehcp camhs
cmht ptsd adhd asd asc cps hmp yoi yot yos sdvc dvpo dvpn dapo dapn dapp matac ipv fdac sgo cin icpc ucp slt eal nfa oic sio
ppu pvp msoic cjs vlo vps hmcts cafcass jigsaw pdu spo pso omic pom com vcso atm rmp raf mod mp mps ms pcc pccs pcso hmip
cqc ofsted estyn unison usdaw bma rcn basw scw gp gps ed ae itu hdu ward wards pilot hub kooth qwell mind calm utd celtic
rangers arsenal chelsea everton spurs wimbledon glastonbury olympics wembley anfield amazon apple argos asda barclays bumble
credit deliveroo ebay excel facebook facetime fitbit gmail google grindr halifax hinge hotmail instagram iphone lidl
linkedin lloyds messenger microsoft monzo morrisons nationwide natwest netflix onlyfans outlook paypal playstation ring
sainsburys samsung santander sky skype snapchat spotify teams telegram tesco tiktok tinder twitter uber vinted vodafone
whatsapp windows xbox youtube zoom barnardos cafcass delius encompass galop grandparents horizon kaizen mosaic nirvana nacro
oasys paladin ndelius refuge relate respect samaritans shelter systmone turning victim byw heb ofn
""")

# Towns, counties, councils and forces of England and Wales, word by word.
PLACES = _words("""
aberdare aberystwyth abergavenny afan allerdale amber anglesey arun ashfield ashford avon aylesbury babergh bangor barking
barnet barnsley barrow barry basildon basingstoke bassetlaw bath bedford bedfordshire berkshire bexley birmingham blaby
blackburn blackpool blaenau bolsover bolton boston bournemouth bracknell bradford braintree breckland brecon brent brentwood
bridgend bridgwater brighton bristol broadland bromley bromsgrove broxbourne broxtowe buckinghamshire burnley burton bury
caernarfon caerphilly calderdale cambridge cambridgeshire camden cannock canterbury cardiff carlisle carmarthen
carmarthenshire castle ceredigion charnwood chelmsford cheltenham cherwell cheshire chester chesterfield chichester chiltern
chorley christchurch cleveland clwyd colchester colwyn conwy copeland corby cornwall cotswold coventry craven crawley crewe
croydon cumberland cumbria cwmbran cynon dacorum darlington dartford dean denbighshire derby derbyshire devon doncaster
dorset dover dudley durham dwyfor dyfed ealing eastbourne eastleigh east eden elmbridge enfield epping epsom erewash essex
exeter fareham fenland flintshire folkestone furness fylde gateshead gedling glamorgan gloucester gloucestershire gosport
gravesham greenwich grimsby guildford gwent gwynedd hackney halton hamlets hammersmith hampshire harborough haringey harlow
harrogate harrow hart hartlepool hastings havant haverfordwest havering hereford herefordshire hertfordshire hertsmere high
hillingdon hinckley holyhead horsham hounslow huddersfield hull humber humberside huntingdon huntingdonshire hyndburn
ipswich islington kendal kensington kent kettering keynes kingston kings kirklees knowsley lambeth lancashire lancaster
leeds leicester leicestershire lewes lewisham lichfield lincoln lincolnshire liverpool llandudno llanelli london londonderry
loughborough luton lynn maidstone maldon malvern manchester mansfield margate medway melton mendip mercia merthyr mersey
merseyside merton middlesbrough midlands milton mole monmouth monmouthshire môn mon neath newark newcastle newham newport
newquay norfolk northampton northamptonshire northumberland northumbria norwich nottingham nottinghamshire nuneaton oldham
oxford oxfordshire pembroke pembrokeshire pendle plymouth poole pontypridd portsmouth port powys preston purbeck reading
redbridge redcar redditch reigate rhondda rhyl ribble richmond rochdale rochford rossendale rother rotherham rugby runnymede
rushcliffe rushmoor rutland ryedale salford salisbury sandwell scarborough scilly scotland sedgemoor sefton selby sevenoaks
sheffield shetland shrewsbury shropshire slough solihull somerset southampton southend southwark spelthorne stafford
staffordshire stevenage stockport stockton stoke stratford stroud suffolk sunderland surrey sussex sutton swale swansea
swindon taf talbot tameside tamworth tandridge taunton tees teesside teignbridge telford tendring tewkesbury thames thanet
thurrock tonbridge torbay torfaen torridge tower trafford trent tunbridge tydfil tyne uttlesford vale victoria wakefield
walsall waltham wandsworth warrington warwick warwickshire watford waveney waverley wealden weald wear wellingborough wells
welshpool welwyn westminster westmorland weymouth wigan wight wiltshire winchester windsor wirral woking wokingham
wolverhampton worcester worcestershire worthing wrexham wycombe wyre ynys york yorkshire berwyn belmarsh pentonville
wandsworth wormwood scrubs strangeways styal eastwood downview bronzefield drake altcourse ireland afghanistan albania
bangladesh china eritrea europe france germany hungary india iran iraq italy jamaica kurdistan lithuania nigeria pakistan
poland portugal romania russia slovakia somalia spain sudan syria turkey ukraine vietnam
""")

# Kinds of street that mean one even in small letters.
STRONG_STREETS = _words("""
street road avenue lane crescent terrace gardens grove mews rd ave st
""")

# "2 Crown Court hearings" is no address.
COURTS = _words("""
crown county family magistrates youth supreme high appeal sessions civil criminal
""")
