"""What a letter is about, by plain phrases in its subject that speak for one category; everything else is "other".

Only phrases that leave little doubt stand here: a letter about gas *prices* is not a burst gas pipe. Categories are
named by their national code, so that a district whose catalogue lacks one falls back to "other" as well.
"""

from shaodao.catalogue.models import Category

OTHER = "event-other"
PHRASES: dict[str, tuple[str, ...]] = {
    "component-0123": ("井盖",),
    "component-0137": ("路灯",),
    "component-0146": ("健身器材", "健身设施"),
    "component-0181": ("盲道", "无障碍通道"),
    "component-0204": ("公交站牌", "公交站台", "公交候车", "候车亭"),
    "component-0206": ("过街天桥", "人行天桥"),
    "component-0284": ("人行道",),
    "component-0301": ("公厕", "公共厕所"),
    "component-0402": ("行道树",),
    "event-0101": ("违建", "违章建筑", "违章搭", "违法建筑", "私搭乱建", "违章加层", "违规加层", "乱搭乱建"),
    "event-0110": ("垃圾成堆", "垃圾堆积", "垃圾遍地", "乱倒垃圾", "乱丢垃圾", "垃圾无人", "垃圾没人", "垃圾清运"),
    "event-0111": ("渣土堆", "建筑垃圾"),
    "event-0113": ("坑洼", "坑坑洼洼", "路面破损", "道路破损", "路面损坏", "路面破烂", "道路损毁", "烂路"),
    "event-0120": ("焚烧垃圾", "烧垃圾", "焚烧秸秆"),
    "event-0126": ("黑臭", "污染水源", "水源污染", "河水污染", "污水直排", "排污"),
    "event-0128": ("广场舞", "KTV", "酒吧", "音响扰民", "商铺噪音", "夜宵摊"),
    "event-0129": ("烧烤", "油烟"),
    "event-0184": ("养狗", "遛狗", "养犬", "流浪狗", "大型犬"),
    "event-0191": ("毁绿", "占用绿地", "侵占绿地", "占用绿化"),
    "event-0201": ("小广告", "牛皮癣"),
    "event-0203": ("广告牌",),
    "event-0301": ("夜间施工", "施工噪音", "施工噪声", "施工扰民", "工地噪音", "工地噪声", "工地扰民", "半夜施工"),
    "event-0304": ("扬尘", "粉尘"),
    "event-0311": ("渣土车",),
    "event-0401": ("流动摊", "小贩", "摊贩"),
    "event-0405": ("店外经营", "出店经营"),
    "event-0406": ("占道经营", "摆摊", "马路市场"),
    "event-0409": ("违停", "乱停车", "乱停乱放", "违规停车", "违章停车"),
    "event-0493": ("共享单车", "共享电单车", "共享电动车"),
    "event-0496": ("消防通道",),
    "event-0498": ("农贸市场", "菜市场"),
    "event-0501": ("爆管", "水管破裂", "水管爆裂", "水管漏水"),
    "event-0503": ("下水道堵", "管道堵塞", "污水外溢", "污水横流", "下水道反"),
    "event-0505": ("塌陷", "塌方"),
    "event-0506": ("积水", "内涝", "被淹"),
    "event-0596": ("高空坠物", "高空抛物"),
}


class Topics:
    """The phrases against the active catalogue, read once (one query)."""

    def __init__(self) -> None:
        rows = Category.objects.filter(active=True, scheme__active=True).order_by("id")
        self.categories = {c.key: c for c in rows}
        pairs = [(phrase, key) for key, phrases in PHRASES.items() if key in self.categories for phrase in phrases]
        self.phrases = sorted(pairs, key=lambda pair: -len(pair[0]))  # the longer phrase knows better

    def category(self, subject: str) -> Category | None:
        """The category of a subject; "other" where no phrase speaks; None where the catalogue has no "other"."""
        key = next((key for phrase, key in self.phrases if phrase in subject), OTHER)
        return self.categories.get(key)
