"""What people say in the demonstration. Invented sentences: sample content, in the district's language like the pack's
own, not the program's interface; so none of it is translated.
"""

from random import Random
from typing import NamedTuple

SPOTS = (
    "小区东门外", "小区西门口", "小学门口", "农贸市场北侧", "公交站旁", "十字路口东北角", "社区卫生站对面", "菜市场后巷",
    "幼儿园围墙外", "便民超市门前", "居民楼后", "广场南侧", "巷子口", "停车场入口", "药店门前", "老年活动中心旁",
    "河边步道", "公园北门", "快递驿站门口", "车棚旁边", "三岔路口", "锅炉房旁", "健身广场边", "早餐店门口",
)  # fmt: skip
SINCE = ("今天一早", "从昨天开始", "三四天了", "快一个星期了", "上周末起", "这两天", "昨晚以来", "已经半个多月")
WISH = (
    "请尽快派人来看看。",
    "希望有关部门处理一下。",
    "麻烦尽快解决。",
    "请帮忙协调。",
    "居民意见很大。",
    "盼回复。",
    "",
)
FAMILY = "王李张刘赵郭高任韩武孟田薛史石侯贺乔范段邓崔丁康"


class Topic(NamedTuple):
    """A category with how often it comes up, and what is said of it: by reporters, by those who fixed it, in public."""

    key: str
    weight: int
    scene: str  # of the drawn picture
    said: tuple[str, ...]
    fixed: tuple[str, ...]
    hours: str = "day"  # day, rush, night: when it is noticed


TOPICS: tuple[Topic, ...] = (
    Topic("event-0110", 46, "litter", ("{spot}有一大堆生活垃圾，{since}没人清，味道很大。{wish}", "{spot}垃圾袋散了一地，{since}都这样。{wish}",
          "巡查发现{spot}暴露垃圾约两平方米。"), ("垃圾已全部清运，地面冲洗干净。", "已清理并加派一名保洁员值守。")),
    Topic("event-0111", 16, "litter", ("{spot}堆着装修拆下来的碎砖和水泥块，{since}没拉走。{wish}", "{spot}有人偷倒建筑垃圾。{wish}"),
          ("渣土已清运两车，现场恢复。", "已找到倾倒人，责令清走。")),
    Topic("event-0112", 10, "litter", ("{spot}路面油污严重，踩上去打滑。{wish}", "{spot}落叶和尘土{since}没有清扫。"),
          ("路面已高压冲洗。",)),
    Topic("event-0113", 30, "road", ("{spot}路面有个大坑，电动车差点摔倒。{wish}", "{spot}的路坑坑洼洼，{since}没人修，下雨全是水。{wish}",
          "{spot}沥青开裂下沉，长约三米。"), ("坑槽已切边填补压实。", "破损路面已铣刨重铺。"), "rush"),
    Topic("event-0117", 10, "tree", ("{spot}绿化带里全是塑料袋和饭盒。{wish}", "{spot}草坪被踩秃了，里面扔满烟头。"),
          ("绿地垃圾已捡拾干净，补种草皮。",)),
    Topic("event-0128", 18, "sign", ("{spot}一家店的喇叭从早放到晚，{since}天天这样，老人没法休息。{wish}", "{spot}商铺高音喇叭扰民。{wish}"),
          ("已责令关停外放音响，商户签了承诺书。",), "night"),
    Topic("event-0129", 16, "stall", ("{spot}晚上露天烧烤，油烟直往楼上窜。{wish}", "{spot}烧烤摊占着路，地上一层油。"),
          ("露天烤炉已搬回店内，地面油污已清洗。",), "night"),
    Topic("event-0136", 16, "litter", ("{spot}有人堆了旧家具和木板，{since}占着过道。{wish}", "{spot}楼道外堆物堆料，消防有隐患。"),
          ("堆放物已由当事人清走，过道畅通。",)),
    Topic("event-0184", 8, "sign", ("{spot}有人遛大狗不拴绳，孩子吓哭了。{wish}",), ("已找到养犬人，补办犬证并训诫。",), "rush"),
    Topic("event-0191", 8, "tree", ("{spot}的绿地被人圈起来种菜了。{wish}",), ("围栏已拆，菜地已恢复绿化。",)),
    Topic("event-0192", 18, "bin", ("{spot}垃圾桶{since}满着没人拉，都溢到路上了。{wish}", "{spot}果皮箱满溢。"),
          ("垃圾桶已清空，调整为每日清运两次。",)),
    Topic("event-0201", 14, "sign", ("{spot}电线杆和墙上贴满小广告，{since}越贴越多。{wish}", "{spot}单元门上全是开锁广告。"),
          ("小广告已铲除，墙面已粉刷。",)),
    Topic("event-0203", 6, "sign", ("{spot}广告牌歪了，风一吹就晃，怕掉下来。{wish}",), ("广告牌已拆除。",)),
    Topic("event-0301", 14, "site", ("{spot}的工地夜里十一点还在打桩，{since}睡不好。{wish}",), ("已责令夜间停工，施工单位张贴了告示。",), "night"),
    Topic("event-0304", 12, "site", ("{spot}工地土堆没有盖，风一刮全是土。{wish}", "{spot}渣土裸露，扬尘大。"),
          ("裸土已全部覆盖，雾炮已开。",)),
    Topic("event-0401", 14, "stall", ("{spot}流动摊贩占了半条路，{since}下班时堵得厉害。{wish}",), ("摊贩已引导至便民市场。",), "rush"),
    Topic("event-0405", 14, "stall", ("{spot}的店把货摆到人行道上了。{wish}", "{spot}饭店桌椅摆到门外。"), ("货物已收回店内。",)),
    Topic("event-0406", 22, "stall", ("{spot}占道摆摊，人只能走机动车道。{wish}", "{spot}早市散了以后摊位还占着路。{wish}"),
          ("占道摊位已清退，安排人员定点值守。",), "rush"),
    Topic("event-0409", 26, "cars", ("{spot}两排车停在人行道上，轮椅过不去。{wish}", "{spot}机动车乱停，{since}堵着出口。{wish}"),
          ("违停车辆已驶离，补划了禁停线。",), "rush"),
    Topic("event-0410", 12, "bikes", ("{spot}电动车乱停，把盲道占了。{wish}",), ("非机动车已归位，加装了停放指示。",), "rush"),
    Topic("event-0493", 20, "bikes", ("{spot}共享单车堆了几十辆，路都走不了。{wish}", "{spot}共享单车倒了一片，{since}没人扶。"),
          ("单车已清运归位，企业增派了调度车。",), "rush"),
    Topic("event-0496", 6, "cars", ("{spot}消防通道被私家车堵死了，万一着火怎么办。{wish}",), ("车辆已挪走，通道重新划线。",)),
    Topic("event-0501", 10, "water", ("{spot}水管爆了，水流了一街。{wish}", "{spot}地下往外冒清水，{since}水压也低了。"),
          ("管道已焊接修复，供水恢复。",)),
    Topic("event-0503", 16, "water", ("{spot}下水道反水，污水流到路上，{since}臭得不行。{wish}", "{spot}污水外溢，居民绕着走。{wish}"),
          ("管道已疏通，路面已冲洗消毒。",)),
    Topic("event-0505", 4, "road", ("{spot}路面突然塌了一块，下面是空的，很危险。{wish}",), ("塌陷处已回填加固，路面恢复通行。",)),
    Topic("event-0506", 10, "water", ("{spot}一下雨就积水，没过脚脖子。{wish}",), ("积水已抽排，雨水口已清掏。",)),
    Topic("event-0508", 6, "light", ("{spot}有根线缆掉下来垂在路中间。{wish}",), ("线缆已收紧固定。",)),
    Topic("component-0103", 10, "road", ("{spot}雨水井盖松动，车一过哐当响。{wish}",), ("井盖已更换，加装防坠网。",)),
    Topic("component-0123", 10, "road", ("{spot}井盖破了一个角，不知道是谁家的。{wish}",), ("井盖已更换并查明权属。",)),
    Topic("component-0137", 22, "light", ("{spot}路灯{since}不亮，晚上黑漆漆的。{wish}", "{spot}两盏路灯坏了。"), ("灯头和线路已修复，已亮灯。",), "night"),
    Topic("component-0284", 12, "road", ("{spot}人行道地砖翘起来了，老人绊了一跤。{wish}",), ("地砖已重新铺设。",)),
    Topic("component-0301", 8, "bin", ("{spot}公厕没水，{since}脏得进不去。{wish}",), ("供水已恢复，已全面保洁。",)),
    Topic("component-0402", 10, "tree", ("{spot}有棵树枯了，枝子随时会掉。{wish}", "{spot}树枝挡住了红绿灯。"), ("枯枝已修剪，危树已支撑。",)),
    Topic("component-0217", 8, "cars", ("{spot}隔离护栏被撞倒一截。{wish}",), ("护栏已扶正更换。",)),
)  # fmt: skip

WHISTLE_WHY = {
    "comprehensive_enforcement": "多次劝离无效，街道没有执法权，请相关部门到场联合执法",
    "key_work": "列入本月重点整治，需部门到场共同确定方案",
    "emergency": "存在安全隐患，情况紧急，请立即到场处置",
    "routine_advance": "涉及几家单位，街道协调两次未果，请到场共同推进",
}
RETURNS = (
    "现场核对，设施不属于本单位权属",
    "该路段养护已移交其他单位",
    "属于小区内部设施，应由物业监管部门牵头",
    "不在本单位执法范围内",
)
DISPUTES = ("现场为两家单位管理交界处，责任划分不清，请会商裁定", "该设施建设后未办理移交，养护责任有争议")
RULINGS = ("现场踏勘后认定：以人行道外沿为界，外侧由裁定的主办单位负责，今后同类照此办理。",
           "未移交的设施在移交前由建设管理单位牵头，养护单位配合。")  # fmt: skip
NOTES = ("已安排两名工人到场", "材料下午到，明早施工", "已与商户谈过一次，今天再去", "现场已先设围挡和警示标志", "已联系权属单位确认",
         "已完成一半，剩余部分明天收尾")  # fmt: skip
PUBLIC_NOTES = ("您反映的问题我们已到现场查看，正在处理。", "已安排施工，预计两天内完成，给您带来不便请谅解。")
EXTENSIONS = ("所需配件需从市里调货", "连日有雨，路面无法施工", "工程量比预计大，需增加一个班组")
SUSPENSIONS = ("需列入管网改造计划，待资金下达", "涉及供热管线，须待停暖期结束后开挖")
REWORKS = ("角落仍有残留，未达到结案条件", "修补不平，车辆经过仍有响动", "处理后又有新堆放，未彻底")
DECLINES = (
    "经核实不在本区管辖范围，已告知向有关部门反映",
    "与已办结案件相同，现场核实问题已不存在",
    "属于民事纠纷，建议向社区调解委员会申请调解",
)
NOT_FIXED = ("产权单位已注销，列入老旧小区改造计划", "需区级立项解决，已报年度计划")
PRAISE = ("", "", "", "响应很快，处理到位", "到场及时，居民满意")
BLAME = ("催了两次才来，处理也不彻底", "拖过时限才到场", "返工一次，现场保洁没做好")
COMMENTS = ("请主办单位说明原因，三日内书面回复。", "情况属实，计入本月考核。", "双方沟通不够，请街道与部门当面对接。")
REPLIES = (
    "现场已清理干净，并已提醒附近商户。",
    "已经修复并恢复通行，感谢您的反映。",
    "责任单位已到场处理，现场核查合格。",
    "",
)
SETTLED = (
    "再次到现场核对，当天确已处理；您看到的是随后新出现的，已另立一件办理。",
    "已电话联系您并约好时间到现场一起看，谢谢您的监督。",
)
CALLBACKS = ("", "", "谢谢，处理很快", "好了没两天又不行了", "打电话来问过，态度很好")
APPEALS = {
    "sign": "系统升级期间收不到提醒，恢复后立即签收，附值班记录",
    "arrive": "途经路段交通管制，绕行到场，附出警记录",
    "handle": "开挖后发现供热管线，等产权单位到场配合，附会商纪要",
    "evaluation": "评价所述与现场照片不符，问题当日已处理，请复核",
}
UPHOLD = ("所附材料可以证明非本单位原因，支持不计入统计。", "经向有关单位核实，情况属实，同意。")
DISMISS = ("所述情况没有及时申请延期，理由不充分，维持原记录。", "材料不能证明与超期有关，维持。")
CHECKED = ("现场核对，符合结案条件", "已处理到位", "与居民核实，问题已解决")
LOOKED = ("现场整洁，没有再发生", "回头看正常", "仍保持良好")
CIRCULARS = ("关于近期占道经营反弹情况的通报", "关于共享单车停放秩序整治情况的通报", "关于超期案件的通报", "关于吹哨报到到场及时率的通报",
             "关于返工案件的通报")  # fmt: skip


def report(topic: Topic, community: str, rng: Random) -> tuple[str, str]:
    """(text, address) of one report."""
    spot = rng.choice(SPOTS)
    text = rng.choice(topic.said).format(spot=f"{community}{spot}", since=rng.choice(SINCE), wish=rng.choice(WISH))
    return text, f"{community}{spot}"


def reporter(rng: Random) -> dict[str, str]:
    """An invented reporter, marked as sample; the number is of no real subscriber's form (1380000 and four digits)."""
    given = {
        "name": f"{rng.choice(FAMILY)}{rng.choice(('先生', '女士'))}（示例）",
        "phone": f"1380000{rng.randrange(10_000):04d}",
    }
    return given if rng.random() < 0.8 else given | {"email": f"sample{rng.randrange(1000)}@example.invalid"}


def person(rng: Random) -> str:
    """The name of an invented member of staff."""
    return f"{rng.choice(FAMILY)}{rng.choice('伟芳娜敏静强磊军洋勇艳杰涛明超秀霞平刚桂')}（示例）"


def public(topic_name: str, address: str) -> str:
    """The text that staff let the public see: what and where, no person."""
    return f"{address}附近有群众反映{topic_name}问题，已转有关单位处置。"
