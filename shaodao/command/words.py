"""Words that several of the headquarters' pages use."""

from django.utils.translation import gettext as _


def action_names() -> dict[str, str]:
    """Words for what the log records; an action without words shows its code."""
    return {
        "session.login": _("登录"),
        "session.end_all": _("全部退出登录"),
        "session.stranger": _("单点登录的陌生人"),
        "factor.add": _("添加第二重验证"),
        "factor.remove": _("移除第二重验证"),
        "factor.recovery_codes": _("更换恢复码"),
        "factor.recovery_used": _("用掉一个恢复码"),
        "factor.closed": _("验证码错得太多，关闭第二重验证"),
        "factor.reset": _("重置第二重验证"),
        "contact.read": _("查看上报人联系方式"),
        "pack.load": _("装载数据包"),
        "audit.verify": _("核对存证"),
        "upload.original": _("查看照片原件"),
        "upload.redact": _("遮盖照片"),
        "circular.read": _("签阅通报"),
        "cases.export": _("导出案件"),
        "contacts.erased": _("清除到期联系方式"),
        "person.create": _("新建人员"),
        "person.change": _("修改账号"),
        "person.invite": _("生成设密码链接"),
        "person.password": _("设密码"),
        "post.give": _("授予岗位"),
        "post.end": _("结束岗位"),
        "organisation.create": _("新建单位"),
        "operator.paper": _("查看企业申请材料"),
        "vehicles.export": _("导出车辆台账"),
        "quality.export": _("导出单车数据质量"),
        "feed.set": _("设置单车数据源"),
        "positions.file": _("上传车辆位置"),
        "token.issue": _("签发接口令牌"),
        "token.revoke": _("吊销接口令牌"),
        "webhook.create": _("新建订阅"),
        "webhook.change": _("修改订阅"),
        "webhook.secret": _("更换订阅密钥"),
        "webhook.remove": _("删除或停用订阅"),
        "delivery.resend": _("重发消息"),
    }
