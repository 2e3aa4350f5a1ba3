"""Corners of the loop that were once wrong, or nearly."""

import pytest

from shaodao.cases import history

pytestmark = pytest.mark.usefixtures("monday")


def test_a_ruling_that_leaves_nothing_to_do_sends_the_case_to_verification(town):
    """The lead has handed back; the support disputes; the ruling confirms the lead and lets the support go."""
    case = town.handling(supports=(town.urban,))
    lead, support = case.assignments.order_by("id")
    town.act("dispute", case, "department", town.urban, on=support.pk, reason="不归我们")
    town.act("sign", case, "department", on=lead.pk)
    town.act("finish", case, "department", on=lead.pk, result="已清理")
    ruled = town.act("rule_dispute", case, "headquarters", on=case.disputes.get().pk, lead="SANI", ruling="环卫负责")
    assert ruled.case.state == "verifying"
    assert town.act("verify", case, "inspector", passed=True).case.state == "closing"
    assert history.verify()["broken"] == []


def test_a_ruling_may_name_who_led_before_the_rebound(town):
    """Who has done it in an earlier round has not done it in this one."""
    case = town.closed()
    town.act("rebound", case, "street", reason="又出现了")
    again = case.assignments.get(state="sent")
    town.act("withdraw", case, "dispatcher", on=again.pk, reason="改派")
    town.act("dispatch", case, "dispatcher", lead="URBAN")
    on = case.assignments.get(state="sent")
    town.act("dispute", case, "department", town.urban, on=on.pk, reason="不归我们")
    ruled = town.act("rule_dispute", case, "headquarters", on=case.disputes.get().pk, lead="SANI", ruling="环卫负责")
    assert ruled.case.state == "handling"
    assert ruled.case.assignments.get(state="sent").organisation == town.sanitation
    assert history.verify()["broken"] == []


def test_rework_goes_to_the_lead_that_a_ruling_named(town):
    """The lead changes twice; the last one named has the rework, not the one whose part is younger."""
    case = town.handling(lead=town.urban, supports=(town.sanitation,))
    urban, sanitation = case.assignments.order_by("id")
    town.act("whistle_draft", case, "street", kind="emergency", lead="SANI", reason="联合整治")
    town.act("whistle_confirm", case, "street_leader", on=case.whistles.get().pk)
    town.act("report_in", case, "department", on=sanitation.pk)
    town.act("finish", case, "department", on=sanitation.pk, result="已清理")
    town.act("dispute", case, "department", town.urban, on=urban.pk, reason="职责不清")
    town.act("rule_dispute", case, "headquarters", on=case.disputes.get().pk, lead="URBAN", ruling="城管负责")
    town.act("sign", case, "department", town.urban, on=urban.pk)
    town.act("finish", case, "department", town.urban, on=urban.pk, result="已处置")
    done = town.act("verify", case, "inspector", passed=False, remark="还有残留")
    assert done.case.lead == town.urban
    assert [a.organisation for a in done.case.assignments.exclude(state="done")] == [town.urban]
    assert history.verify()["broken"] == []
