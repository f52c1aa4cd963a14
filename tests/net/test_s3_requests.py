from kubemr_shell.net.s3_requests import KINDS, RequestCounts, RequestMeter, kind_of


def test_operations_are_counted_by_what_they_cost() -> None:
    counts = RequestCounts()
    for operation in ("get_object", "get_object", "head_object", "delete_objects", "put_object", "list_objects_v2"):
        counts.sent(operation, again=False)
    counts.sent("complete_multipart_upload", again=True)
    counts.was_throttled()
    assert counts.by_kind() == {"get": 3, "delete": 1, "put": 3, "repeated": 1, "throttled": 1}
    assert set(counts.by_kind()) == set(KINDS)
    assert kind_of("create_multipart_upload") == "put"


def test_each_request_is_taken_once() -> None:
    counts = [RequestCounts()]
    meter = RequestMeter(counts)
    assert meter.take() == {}
    counts[0].sent("get_object", again=False)
    assert meter.take() == {"get": 1}
    counts.append(RequestCounts())
    counts[1].sent("put_object", again=True)
    counts[0].sent("get_object", again=False)
    assert meter.take() == {"get": 1, "put": 1, "repeated": 1}
    assert meter.take() == {}
