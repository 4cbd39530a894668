"""Triton is reached over TLS with a certificate and a token of one's own; a fault is
reported with the setting that corrects it, and what is renewed is read again while the worker runs.
"""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.certificates import Authority
from tests.servers.models import batch
from tests.servers.secure_triton import HEADER, SecureTriton, restricted, tls
from tests.skips import skip_or_fail
from triton_models.contract import load_all
from worker import build as parts
from worker.build import make_inference
from worker.config.load import load_settings
from worker.embedded.binary import available
from worker.errors import ConfigError, ModelUnavailable
from worker.inference.triton import TritonInference

START_S = 60.0


@dataclass(frozen=True)
class Site:
    """A folder with an authority, a stranger to it, and the models to serve."""

    folder: Path
    models: Path
    authority: Authority
    stranger: Authority

    @asynccontextmanager
    async def serving(self, *flags: str):
        triton = SecureTriton(self.models, *flags)
        await triton.start(START_S)
        try:
            yield triton.grpc_url
        finally:
            await triton.stop()

    def inference(self, url: str, *assignments: str) -> TritonInference:
        flags = [f"inference.url={url}", f"inference.models={self.models}"]
        flags += [f"inference.{item}" for item in assignments]
        return make_inference(load_settings(None, {}, flags), self.contracts)

    @property
    def contracts(self):
        return {contract.name: contract for contract in load_all(self.models)}

    async def fault(self, url: str, *assignments: str) -> str | None:
        """What keeps the worker from using this server; None when nothing does."""
        inference = self.inference(url, *assignments)
        await inference.start()
        try:
            return await parts.check_models(inference, self.contracts)
        finally:
            await inference.stop()


@pytest.fixture
def site(tmp_path, tiny_models) -> Site:
    if reason := available():
        skip_or_fail(f"the real Triton cannot run here: {reason}")
    return Site(tmp_path, tiny_models, Authority(tmp_path, "ca"), Authority(tmp_path, "stranger"))


def own(pair) -> list[str]:
    return [f"tls_certificate={pair.certificate}", f"tls_key={pair.key}"]


def test_each_fault_of_the_servers_certificate_is_reported_with_its_remedy(site):
    good, stranger = f"tls_ca={site.authority.file}", f"tls_ca={site.stranger.file}"

    async def test() -> None:
        async with site.serving(*tls(site.authority.issue("triton"))) as url:
            assert await site.fault(url, "tls=true", good) is None
            for unknown in ([stranger], []):
                message = await site.fault(url, "tls=true", *unknown)
                assert "unknown authority" in message and "inference.tls_ca" in message
            assert "set inference.tls = true" in await site.fault(url)
        async with site.serving(*tls(site.authority.issue("old", expired=True))) as url:
            assert "has expired" in await site.fault(url, "tls=true", good)
        other = site.authority.issue("other", host="triton.example.net")
        async with site.serving(*tls(other)) as url:
            assert "not for the host of inference.url" in await site.fault(url, "tls=true", good)
        async with site.serving() as url:
            assert "set inference.tls = false" in await site.fault(url, "tls=true", good)

    asyncio.run(test())


def test_mutual_tls_takes_only_a_good_certificate_of_ours(site):
    ca = ("tls=true", f"tls_ca={site.authority.file}")
    flags = tls(site.authority.issue("triton"), site.authority.file)
    bad = [site.authority.issue("old", expired=True), site.stranger.issue("strange")]

    async def test() -> None:
        async with site.serving(*flags) as url:
            assert await site.fault(url, *ca, *own(site.authority.issue("worker"))) is None
            for refused in (*map(own, bad), []):
                message = await site.fault(url, *ca, *refused)
                assert "inference.tls_certificate" in message and "has expired" in message

    asyncio.run(test())


def test_a_token_from_a_file_is_sent_and_read_again(site):
    token = site.folder / "token"
    flags = f"token=file:{token}", f"token_header={HEADER}"

    async def test() -> None:
        async with site.serving(restricted("first-token")) as url:
            assert "correct inference.token" in await site.fault(url)
            token.write_text("another-token\n")
            inference = site.inference(url, *flags)
            await inference.start()
            message = await parts.check_models(inference, site.contracts)
            assert "asks for another token" in message and "another-token" not in message
            token.write_text("first-token\n")
            assert await parts.check_models(inference, site.contracts) is None
            contract = site.contracts["intent"]
            assert (await inference.infer("intent", batch(contract, 2, 8))).version == "3"
            await inference.stop()

    asyncio.run(test())


def test_a_renewed_certificate_is_used_without_losing_a_call(site):
    """The first certificate is a stranger's; then a good one takes its place."""
    first, good = site.stranger.issue("first"), site.authority.issue("good")
    ca = ("tls=true", f"tls_ca={site.authority.file}")
    flags = tls(site.authority.issue("triton"), site.authority.file)
    inputs = batch(site.contracts["intent"], 2, 8)

    async def test() -> None:
        async with site.serving(*flags) as url:
            inference = site.inference(url, *ca, *own(first))
            await inference.start()
            with pytest.raises(ModelUnavailable):
                await inference.infer("intent", inputs)
            first.key.write_bytes(good.key.read_bytes())  # half of it: nothing is done yet
            assert "tls_certificate" in await parts.check_models(inference, site.contracts)
            first.certificate.write_bytes(good.certificate.read_bytes())
            assert await parts.check_models(inference, site.contracts) is None
            calls = [asyncio.create_task(inference.infer("intent", inputs)) for _ in range(20)]
            newer = site.authority.issue("newer")
            first.certificate.write_bytes(newer.certificate.read_bytes())
            first.key.write_bytes(newer.key.read_bytes())
            await asyncio.sleep(0)  # the calls have begun
            assert await parts.check_models(inference, site.contracts) is None
            assert len(await asyncio.gather(*calls)) == 20
            await inference.stop()

    asyncio.run(test())


def test_files_that_are_no_pair_are_refused_before_a_connection_is_tried(site):
    mixed = site.authority.issue("one").certificate, site.authority.issue("two").key
    pair = f"tls_certificate={mixed[0]}", f"tls_key={mixed[1]}"
    inference = site.inference("127.0.0.1:9", "tls=true", f"tls_ca={mixed[1]}", *pair)
    with pytest.raises(ConfigError) as caught:
        asyncio.run(inference.start())
    keys = [fault.key for fault in caught.value.faults]
    assert keys == ["inference.tls_ca", "inference.tls_certificate"]
