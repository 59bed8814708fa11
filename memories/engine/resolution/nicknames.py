"""Short forms of first names, English ones mostly, with the full names that they may stand for."""

from __future__ import annotations

_TABLE = """
abby:abigail al:albert,alan,alfred,alexander alec:alexander alex:alexander,alexandra,alexis ali:alison,alistair
andy:andrew angie:angela annie:ann,anne,anna archie:archibald art:arthur barb:barbara barney:bernard,barnaby
bart:bartholomew bea:beatrice becca:rebecca becky:rebecca bella:isabella,arabella ben:benjamin benny:benjamin
bernie:bernard bert:albert,robert,bertram bess:elizabeth beth:elizabeth,bethany betsy:elizabeth betty:elizabeth
bill:william billy:william bob:robert bobby:robert brad:bradley cathy:catherine charlie:charles,charlotte
chas:charles chris:christopher,christian,christine,christina chrissy:christine,christina chuck:charles
cindy:cynthia,lucinda cliff:clifford,clifton clint:clinton con:conrad,connor connie:constance curt:curtis,kurt
dan:daniel danny:daniel dave:david davey:david deb:deborah debbie:deborah debby:deborah dick:richard dolly:dorothy
don:donald donnie:donald dora:theodora,dorothy dot:dorothy doug:douglas ed:edward,edmund,edgar,edwin
eddie:edward,edmund,edgar,edwin edie:edith ellie:eleanor,ellen eliza:elizabeth elsie:elizabeth ernie:ernest
flo:florence fran:frances,francis frank:francis,franklin frankie:francis,franklin fred:frederick,alfred
freddie:frederick,alfred gabe:gabriel gene:eugene geoff:geoffrey gerry:gerald,gerard ginny:virginia greg:gregory
gus:augustus,gustav hal:henry,harold hank:henry harry:henry,harold hattie:harriet izzy:isabel,isabella jack:john
jake:jacob jamie:james jan:janet,janice jeff:jeffrey,geoffrey jen:jennifer jenny:jennifer jerry:gerald,jerome,jeremy
jess:jessica jessie:jessica jill:gillian jim:james jimmy:james jo:joanne,joanna,josephine joe:joseph joey:joseph
johnny:john jon:jonathan josh:joshua josie:josephine judy:judith kate:katherine,catherine,kathryn
kathy:katherine,kathleen,kathryn katie:katherine,catherine,kathryn kay:katherine ken:kenneth kenny:kenneth
kim:kimberly kit:christopher,katherine larry:lawrence,laurence lena:helena,magdalena len:leonard lenny:leonard
leo:leonard,leonardo lew:lewis,louis libby:elizabeth lisa:elisabeth,elizabeth liz:elizabeth,elisabeth
lizzie:elizabeth,elisabeth lou:louis,louise lucy:lucille,lucinda maddie:madeleine,madeline maggie:margaret
mandy:amanda marge:margaret,marjorie margie:margaret,marjorie marty:martin matt:matthew max:maximilian,maxwell
meg:margaret,megan mel:melanie,melissa,melvin mick:michael mickey:michael mike:michael mikey:michael milly:mildred
mindy:melinda minnie:wilhelmina moe:moses,mohammed molly:mary mort:mortimer nan:nancy,ann nate:nathan,nathaniel
ned:edward nell:eleanor,ellen nellie:eleanor,ellen nick:nicholas,nicolas nicky:nicholas,nicole norm:norman
oli:oliver ollie:oliver,olivia pam:pamela pat:patrick,patricia patsy:patricia patty:patricia paddy:patrick
peg:margaret peggy:margaret penny:penelope pete:peter phil:philip,phillip polly:mary,paula prue:prudence
randy:randall,randolph ray:raymond reg:reginald reggie:reginald rich:richard richie:richard rick:richard,frederick
ricky:richard rita:margarita rob:robert robbie:robert rod:rodney,roderick ron:ronald ronnie:ronald,veronica
rosie:rose,rosemary roxy:roxanne russ:russell sadie:sarah sally:sarah sam:samuel,samantha sammy:samuel,samantha
sandy:alexander,alexandra,sandra seb:sebastian shelly:michelle,rachel sid:sidney stan:stanley stella:estelle
steph:stephanie steve:steven,stephen stevie:steven,stephen,stephanie stu:stuart,stewart sue:susan,suzanne
susie:susan,suzanne suzy:susan,suzanne tammy:tamara ted:edward,theodore teddy:edward,theodore terry:terence,theresa
tess:theresa,teresa tessa:theresa,teresa theo:theodore tim:timothy timmy:timothy tina:christina,martina toby:tobias
tom:thomas tommy:thomas tony:anthony,antonio topher:christopher trish:patricia trudy:gertrude val:valerie
vicky:victoria vic:victor,victoria vince:vincent vinny:vincent viv:vivian,vivienne wally:walter walt:walter
wendy:gwendolyn wes:wesley will:william willy:william winnie:winifred woody:woodrow zach:zachary zack:zachary
bastian:sebastian fritz:friedrich hans:johannes heini:heinrich jupp:josef kathi:katharina klaus:nikolaus
lotte:charlotte sepp:josef toni:anton uli:ulrich wolfi:wolfgang pepe:jose paco:francisco pancho:francisco
nacho:ignacio lupe:guadalupe chema:jose sasha:alexander,alexandra misha:mikhail kolya:nikolai vanya:ivan
volodya:vladimir dima:dmitri katya:ekaterina masha:maria natasha:natalia olya:olga tanya:tatiana gigi:luigi
beppe:giuseppe pippo:filippo
"""
_FULL: dict[str, tuple[str, ...]] = {
    short: tuple(full.split(",")) for short, full in (entry.split(":") for entry in _TABLE.split())
}


def full_names(first: str) -> tuple[str, ...]:
    """What a folded first name may be short for; empty when it is no short form."""
    return _FULL.get(first, ())


def is_short_for(short: str, full: str) -> bool:
    return full in _FULL.get(short, ())


def same_first_name(one: str, other: str) -> bool:
    """Whether one is short for the other, or both for one name."""
    return is_short_for(one, other) or is_short_for(other, one) or bool({*full_names(one)} & {*full_names(other)})
