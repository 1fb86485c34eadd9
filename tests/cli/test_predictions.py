"""``journey predictions``: fitted and listed."""

from bench.fit import fill
from tests.cli.conftest import Shell
from tests.support.customers import simulated


async def test_a_model_needs_enough_history(shell: Shell) -> None:
    company = ["--company", str(shell.company)]
    code, out, _ = await shell.run("predictions", "models", *company)
    assert (code, "No model has been fitted yet" in out) == (0, True)
    code, out, _ = await shell.run("predictions", "fit", *company)
    assert (code, "0 customers with an appointment, at least 100" in out) == (0, True)
    (x, _, age), visits = simulated(300, 300, seed=2, whole_days=True)
    fill(shell.url, shell.company, visits, age)
    code, found = await shell.json("predictions", "fit", *company)
    assert code == 0
    (model,) = found["models"]
    assert (model["version"], model["customers"], model["returned_customers"]) == (2, 300, (x > 0).sum())
    assert model["parameters"].keys() == {"r", "alpha", "a", "b"}
    code, listed = await shell.json("predictions", "models", *company)
    assert (code, [version["version"] for version in listed["models"]]) == (0, [2, 1])
    assert listed["models"][0] == model
    code, out, _ = await shell.run("predictions", "models", *company)
    assert f"{model['parameters']['alpha']:.4g}" in out
    assert f"{model['log_likelihood']:,.1f}" in out
    assert "none: too little history" in out


async def test_all_companies(shell: Shell) -> None:
    code, found = await shell.json("predictions", "fit")
    assert (code, shell.company in {model["company_id"] for model in found["models"]}) == (0, True)
    _, listed = await shell.json("predictions", "models")
    assert {(m["company_id"], m["version"]) for m in found["models"]} <= {
        (m["company_id"], m["version"]) for m in listed["models"]
    }


async def test_an_unknown_company_is_exit_code_2(shell: Shell) -> None:
    for command in ("fit", "models"):
        code, _, err = await shell.run("predictions", command, "--company", "999999999")
        assert (code, "there is no company 999999999" in err, "Traceback" in err) == (2, True, False)
