"""The order of bindings."""

from vaderflix_core.api.roles import Images
from vaderflix_core.plugins.pool import Binding, Pool


def binding(instance: str, priority: int, role: str = "MediaSource") -> Binding:
    return Binding(plugin="p", instance=instance, name=instance, role=role, provider=object(), priority=priority)


def test_bindings_are_ordered_by_priority_and_then_by_instance() -> None:
    pool = Pool()
    for instance, priority in (("b", 50), ("c", 10), ("a", 50)):
        pool.publish(instance, [binding(instance, priority)])
    assert [b.instance for b in pool.bindings("MediaSource")] == ["c", "a", "b"]


def test_a_role_may_be_named_by_its_protocol_and_narrowed_to_an_instance() -> None:
    pool = Pool()
    pool.publish("a", [binding("a", 1, "Images")])
    pool.publish("b", [binding("b", 2, "Images")])
    assert [b.instance for b in pool.bindings(Images, instance="b")] == ["b"]
    assert pool.bindings("Playback") == ()


def test_every_change_raises_the_revision_and_a_withdrawal_of_nobody_is_none() -> None:
    pool = Pool()
    pool.publish("a", [binding("a", 1)])
    pool.publish("a", [binding("a", 2)])
    assert len(pool.bindings("MediaSource")) == 1
    pool.withdraw("a")
    before = pool.revision
    pool.withdraw("a")
    assert (pool.bindings("MediaSource"), pool.revision, before) == ((), 3, 3)
