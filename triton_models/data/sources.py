"""Readers of the public data sets, and what their labels mean in ours.

Every reader takes the folder that holds the sets, one folder each, and raises UsageError when a
file is missing. The mappings were corrected by hand: what a set calls its rows is not always
what a shop would.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

from triton_models.data.split import Labelled
from triton_models.settings import UsageError, usable

AGAIN = "fetch the public set again"


def open_file(data: Path, name: str) -> Path:
    """The path of a file of the data folder; UsageError when it is not there."""
    path = data / name
    if not path.is_file():
        raise UsageError(f"{path} not found: give --data the folder that holds the public sets")
    return path


def read_csv(data: Path, name: str, delimiter: str = ",") -> list[dict[str, str]]:
    path = open_file(data, name)
    with usable(path, AGAIN), path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def read_json(data: Path, name: str):
    path = open_file(data, name)
    with usable(path, AGAIN):
        return json.loads(path.read_text())


BITEXT = {
    "purchase": "place_order",
    "inquiry": "check_cancellation_fee check_invoice check_payment_methods check_refund_policy "
    "contact_customer_service contact_human_agent delivery_options delivery_period get_invoice "
    "track_order",
    "complaint": "cancel_order complaint get_refund payment_issue track_refund",
    "other": "create_account delete_account edit_account newsletter_subscription "
    "recover_password registration_problems set_up_shipping_address switch_account "
    "change_shipping_address",
}  # change_order and review are neither one thing nor another: left out

BANKING = {
    "other": "exchange_rate age_limit card_linking change_pin edit_personal_details "
    "passcode_forgotten verify_my_identity why_verify_identity top_up_limits automatic_top_up "
    "country_support atm_support activate_my_card getting_spare_card visa_or_mastercard "
    "transfer_timing receiving_money lost_or_stolen_phone terminate_account",
    "complaint": "Refund_not_showing_up transaction_charged_twice",
}  # the rest are a bank's complaints, which are not a shop's

CLINC_LEFT_OUT = {
    "order",
    "shopping_list",
    "shopping_list_update",
    "cancel",
    "card_declined",
    "damaged_card",
    "lost_luggage",
    "report_lost_card",
    "report_fraud",
    "new_card",
    "order_checks",
    "restaurant_reviews",
    "cancel_reservation",
    "replacement_card_duration",
    "redeem_rewards",
    "rewards_balance",
}  # shopping lists, and troubles that are not a shop's

AFTER_SALES = re.compile(
    r"refund|money back|(didn.?t|never|not) (come|came|arrive|receive|get|work)|broken|broke\b"
    r"|stopped working|defect|missing|cancel|return (it|this|them|my)|replace(ment)? (it|this|my)"
)
SAYS_BUY = re.compile(r"\b(buy|purchase|order)\b")
QA_FILES = (
    ("ePQA_dev.csv", ","),
    ("hetPQA_answer_generation_train.csv", "\t"),
    ("hetPQA_answer_generation_test.csv", "\t"),
    ("semiPQA_attribute_ranking_dev.csv", "\t"),
    ("semiPQA_attribute_ranking_testseen.csv", "\t"),
    ("semiPQA_attribute_ranking_testunseen.csv", "\t"),
)


def labelled(data: Path) -> list[Labelled]:
    """Every labelled query of the public sets, without repetition."""
    readers = (bitext, banking, clinc, questions, goals, keywords, products)
    return list({q.query: q for reader in readers for q in reader(data)}.values())


def bitext(data: Path) -> Iterator[Labelled]:
    label = {name: intent for intent, names in BITEXT.items() for name in names.split()}
    for row in read_csv(data, "bitext/utterances.csv"):
        if row["intent"] in label:
            yield Labelled(row["utterance"], label[row["intent"]], "bitext")


def banking(data: Path) -> Iterator[Labelled]:
    label = {name: intent for intent, names in BANKING.items() for name in names.split()}
    for row in read_csv(data, "banking77/train.csv"):
        if row["category"] in label and len(row["text"]) < 120:
            yield Labelled(row["text"], label[row["category"]], "banking77")


def clinc(data: Path) -> Iterator[Labelled]:
    sets = read_json(data, "clinc150/data.json")
    for text, name in (row for part in sets.values() for row in part):
        if name == "order_status":
            yield Labelled(text, "inquiry", "clinc150")
        elif name not in CLINC_LEFT_OUT:
            yield Labelled(text, "other", "clinc150")


def questions(data: Path) -> Iterator[Labelled]:
    """Shoppers' product questions; those about a problem after the sale are left out."""
    for name, delimiter in QA_FILES:
        for row in read_csv(data, f"product_qa/{name}", delimiter):
            if not AFTER_SALES.search(row["question"].casefold()) and len(row["question"]) < 150:
                yield Labelled(row["question"], "inquiry", "product_qa")


def goals(data: Path) -> Iterator[Labelled]:
    """Shopping goals in sentences: buying when they say so, else browsing."""
    for text in read_json(data, "webshop/human_goals.json"):
        yield Labelled(text, "purchase" if SAYS_BUY.search(text) else "browse", "webshop")
    for row in shopping_requests(data):
        yield Labelled(row[0], "browse", "shoppingbench")


def keywords(data: Path) -> Iterator[Labelled]:
    for texts in read_json(data, "webshop/goal_query_map.json").values():
        for text in texts:
            yield Labelled(text, "browse", "webshop")
    for row in read_csv(data, "wands/query.csv", "\t"):
        yield Labelled(row["query"], "browse", "wands")
    for text in open_file(data, "esci_queries/queries.txt").read_text().splitlines():
        yield Labelled(text, "browse", "esci")
    for path in categories(data):
        yield Labelled(path[-1].lower(), "browse", "bestbuy")


def products(data: Path) -> Iterator[Labelled]:
    """Precise product titles, each cut to the length of a query."""
    for title, _, label in offers(data):
        yield Labelled(" ".join(title.split()[:9]), "purchase", "pricerunner")
        yield Labelled(label.lower(), "purchase", "pricerunner")
    for product in catalogue(data):
        name = f"{product['supplier']} {product['name']}".lower()
        yield Labelled(name, "purchase", "icecat")


def offers(data: Path) -> list[tuple[str, str, str]]:
    """Offers of shops: (title, cluster id, cluster label)."""
    rows = read_csv(data, "pricerunner/products.csv")
    return [(r["Product Title"], r["Cluster ID"], r["Cluster Label"]) for r in rows]


def catalogue(data: Path) -> list[dict]:
    """The electronics catalogue: dictionaries with id, title, name, supplier and more."""
    path = open_file(data, "chorus_icecat/products.jsonl.gz")
    with usable(path, AGAIN), gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def categories(data: Path) -> list[list[str]]:
    """Paths of a shop's taxonomy, from the top down, without brands and promotions."""
    paths = [[p["name"] for p in c["path"]] for c in read_json(data, "bestbuy_cc0/categories.json")]
    odd = (
        "More Categories",
        "Name Brands",
        "Geek Squad",
        "Best Buy",
        "In-Store Only",
        "Gift Cards",
        "Customer Service",
    )
    return [p for p in paths if len(p) > 1 and p[0] not in odd and "Mdot" not in p[-1]]


def shopping_requests(data: Path) -> list[tuple[str, str]]:
    """(request, title of the wanted product), the requests that are for one product."""
    found = []
    for name in ("product", "voucher"):
        for line in open_file(data, f"shoppingbench/{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            wanted = row["reward"] if isinstance(row["reward"], dict) else row["reward"][0]
            request = row["query"].split("\n")[0]
            single = isinstance(row["reward"], dict) or len(row["reward"]) == 1
            if single and len(request) < 160:
                found.append((request, wanted["title"][0]))
    return found


def misspellings(data: Path) -> dict[str, list[str]]:
    """Known misspellings of a word."""
    wrong: dict[str, list[str]] = {}
    for line in open_file(data, "typos/words.csv").read_text().splitlines():
        typo, *corrections = line.split(",")
        if len(corrections) == 1:
            wrong.setdefault(corrections[0], []).append(typo)
    return wrong
