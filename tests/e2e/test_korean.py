"""One story, told in Korean from the plan to the rollback."""

import re

from rich.cells import cell_len

from tests.e2e.workspace import Ran, Workspace

SENTENCE = re.compile(r"[A-Za-z]+(?: [a-z]+){3,}")
STEP = re.compile(r"^.* … .*$", re.MULTILINE)  # of a build: BuildKit's own words


def test_a_deployment_is_told_in_korean_from_its_plan_to_its_rollback(shop: Workspace) -> None:
    def told(*words: str, expect: int | None = 0) -> Ran:
        ran = shop.celadon(*words, expect=expect, env={"CELADON_LANG": "ko"})
        assert not SENTENCE.search(STEP.sub("", ran.out + ran.err)), ran.out + ran.err
        return ran

    name = shop.unique("shop")
    plan = told("plan", "deploy", "staging").out
    for step in (f"{name} 빌드: ", f"릴리스 동결: {name}", "후보 시작: ", f"확정: {name} → ", f"라우터 전환: {name}"):
        assert step in plan
    deployed = told("deploy", "staging").out
    assert "초 만에 정상" in deployed and "완료: 1번 배포, 로그 파일 " in deployed
    shop.commit("shop", {"VERSION": "2"}, "결제 오류를 고침")
    told("deploy", "staging")

    lines = told("status").out.splitlines()
    head, *rows = lines[: lines.index("")]
    assert head.split()[:3] == ["서비스", "환경", "릴리스"] and "(라우터)" in "".join(rows)
    places = {cell_len(row[: re.search(r" (staging|production) ", row).start() + 1]) for row in rows}
    assert places == {cell_len(head[: head.index("환경")])}
    row = next(row for row in rows if "결제 오류를 고침" in row)
    for heading, cell in (("커밋 제목", "결제"), ("상태", "정상" if "정상" in row else "실행 중")):
        assert cell_len(row[: row.index(cell)]) == cell_len(head[: head.index(heading)])
    assert "잠금: 비어 있음" in lines[-1]

    assert "성공" in told("history").out and "롤백" in told("releases", "staging").out
    assert "서비스 `shpo`: 없습니다." in told("deploy", "staging", "shpo", expect=2).err
    assert "환경 `stagin`: 없습니다." in told("up", "stagin", expect=2).err
    assert re.search(r"오류 \d+개, 경고 \d+개, 참고 \d+개", told("check", expect=None).out)
    assert "메모리: 전체 " in told("diagnose", expect=None).out
    assert "정리할 것이 없습니다." in told("cleanup", "--dry-run").out
    assert "완료: 3번 배포" in told("rollback", "staging", "-y").out
    assert "할 일이 없습니다" in told("reconcile").out
