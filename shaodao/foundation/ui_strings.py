"""Words that the scripts in `frontend/` show. They live here so that they are translated like all others.

`{name}` marks a value that the script fills in.
"""

from functools import cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _


def ui_strings() -> dict[str, str]:
    """The scripts' strings by key, in the current language. Not to be changed by the caller."""
    return _strings(get_language())


@cache  # a list of a hundred cases asks some hundred times
def _strings(_language: str | None) -> dict[str, str]:
    return {
        # Times, the same words as the tags `duration`, `countdown` and `ago`
        "days": _("{n} 天"),
        "hours": _("{n} 小时"),
        "minutes": _("{n} 分钟"),
        "left": _("剩 {time}"),
        "over": _("超 {time}"),
        "left_moment": _("剩不到 1 分钟"),
        "over_moment": _("刚刚超期"),
        "ago": _("{time}前"),
        "just_now": _("刚刚"),
        # Lights
        "light_green": _("正常"),
        "light_yellow": _("将到期"),
        "light_red": _("已超期"),
        "light_paused": _("计时暂停"),
        "light_done": _("已停表"),
        # What waits on a phone without a network
        "queue_kept": _("没有网络，已存在手机里，有网时自动发出"),
        "queue_full": _("没有网络，手机也存不下：请记在纸上"),
        "queue_waiting": _("{n} 条还没有发出，有网时自动发出"),
        "queue_noted": _("已记在手机上，还没有发出"),
        "queue_drop": _("丢弃这一条"),
        # Dialogs and notices
        "confirm_title": _("请确认"),
        "confirm_yes": _("确定"),
        "confirm_no": _("取消"),
        "close": _("关闭"),
        "copied": _("已复制"),
        "part_failed": _("这一部分没有加载出来，请刷新页面重试。"),
        "request_failed": _("操作没有成功，请刷新页面后重试。"),
        "request_offline": _("网络不通，操作没有发出。"),
        "draft_restored": _("已恢复您上次未提交的内容。"),
        "draft_clear": _("清空草稿"),
        "chosen": _("已选 {n} 项"),
        "passkey_failed": _("通行密钥没有完成，请再试一次"),
        # Photos
        "photos_chosen": _("已选照片"),
        "photo_remove": _("移除照片 {name}"),
        "photo_shrinking": _("正在缩小照片“{name}”……"),
        "photo_shrunk": _("{to}（由 {from} 缩小）"),
        "photo_too_big": _("照片“{name}”没有加入：{size}，超过 {mb} MB，又不能在这里缩小。请在手机上压缩，或换一张。"),
        "photo_too_many": _("最多 {n} 张照片，没有加入：{names}"),
        # Long lists that are searched
        "choose_search": _("输入文字查找"),
        "choose_none": _("没有匹配的选项"),
        "choose_remove": _("移除"),
        # Redaction
        "redact_remove": _("删除这处遮盖"),
        # Keys
        "key_title": _("键盘快捷键"),
        "key_move": _("下一行 / 上一行"),
        "key_open": _("打开当前行"),
        "key_select": _("选中当前行"),
        "key_search": _("跳到搜索框"),
        "key_help": _("显示本说明"),
        # Map
        "map": _("地图"),
        "map_zoom_in": _("放大"),
        "map_zoom_out": _("缩小"),
        "map_attribution": _("地图来源"),
        "map_red": _("超期 "),
        "map_illustrative": _("边界为示意"),
        "map_pin": _("问题位置，可用方向键移动"),
        "map_ctrl_scroll": _("按住 Ctrl（苹果电脑按 ⌘）再滚动可缩放地图"),
        "map_two_fingers": _("用两个手指移动地图"),
        "map_take_cross": _("选十字处"),
        "map_outside": _("不在本区范围内"),
        "map_my_position": _("使用我的位置"),
        "map_position_found": _("已取得位置，精度约 {m} 米。"),
        "map_no_position": _("没有取得位置，请在地图上点选，或填写地址。"),
        "map_draw": _("画边界"),
        "map_draw_rectangle": _("画矩形"),
        "map_draw_polygon": _("画多边形"),
        "map_draw_select": _("移动和改角点"),
        "map_draw_undo": _("撤销一步"),
        "map_draw_redo": _("重做一步"),
        "map_draw_clear": _("清除"),
        "map_draw_holes": _("带洞的边界只能在文字里改"),
    }
