"""What a post may be: pure decisions."""

from shaodao.organisations.models import Organisation, Post

Kind, Role = Organisation.Kind, Post.Role
# Which level of place an organisation of a kind stands for, and in which kinds a role can be held.
LEVELS = {Kind.STREET: {"street"}, Kind.COMMUNITY: {"community", "village"}}
HELD_IN = {
    Role.INTAKE: {Kind.HEADQUARTERS},
    Role.DUTY_LEADER: {Kind.HEADQUARTERS},
    Role.DISPATCHER: {Kind.HEADQUARTERS},
    Role.HEADQUARTERS: {Kind.HEADQUARTERS},
    Role.INSPECTOR: {Kind.INSPECTION, Kind.HEADQUARTERS},
    Role.HOTLINE: {Kind.HOTLINE, Kind.HEADQUARTERS},
    Role.STREET: {Kind.STREET},
    Role.STREET_LEADER: {Kind.STREET},
    Role.COMMUNITY: {Kind.COMMUNITY},
    Role.DEPARTMENT: {Kind.DEPARTMENT, Kind.OPERATOR},
    Role.OPERATOR: {Kind.OPERATOR},
    Role.ADMIN: {Kind.HEADQUARTERS},
}


def can_hold(role: str, kind: str) -> bool:
    """Can this role be held in an organisation of this kind?"""
    return kind in HELD_IN[Role(role)]
