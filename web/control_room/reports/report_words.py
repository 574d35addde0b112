"""What the figures of a report are called on the pages."""

from typing import Final

from web.shop.languages import N_, NP_, said

FIGURES: Final = {
    "funnel": N_("From intent to paid"),
    "funnel.intents": N_("Intents"),
    "funnel.decided": N_("Decided"),
    "funnel.held": N_("Holds granted"),
    "funnel.payment_begun": N_("Payment begun"),
    "funnel.paid": N_("Orders paid"),
    "funnel.refunded": N_("Orders refunded"),
    "funnel.expired": N_("Holds expired"),
    "funnel.cancelled": N_("Holds cancelled"),
    "funnel.open": N_("Holds still open"),
    "funnel.sold_out": N_("Heard «sold out»"),
    "funnel.rejected": N_("Rejected"),
    "funnel.left": N_("Left the line"),
    "funnel.standby": N_("On standby"),
    "funnel.in_line": N_("In line"),
    "units": N_("Units"),
    "units.allocation": N_("For sale"),
    "units.asked": N_("Asked for"),
    "units.granted": N_("Granted"),
    "units.paid": N_("Paid"),
    "units.refunded": N_("Refunded"),
    "units.expired": N_("Expired"),
    "units.cancelled": N_("Given back"),
    "units.open": N_("Held"),
    "units.sold": N_("Sold"),
    "units.demand_ratio": N_("Asked for by unit for sale"),
    "revenue": N_("Revenue"),
    "revenue.gross": N_("Gross"),
    "revenue.refunded": NP_("money", "Refunded"),
    "revenue.net": N_("Net"),
    "revenue.average_order": N_("Average order"),
    "shoppers": N_("Shoppers"),
    "shoppers.asked": N_("Asked"),
    "shoppers.granted": N_("Got a hold"),
    "shoppers.paid": NP_("shoppers", "Paid"),
    "spreads_ms.to_verdict": N_("Until the verdict"),
    "spreads_ms.on_standby": N_("On standby"),
    "spreads_ms.hold_to_paid": N_("From hold to paid"),
    "seconds_from_opening": N_("Since the opening"),
    "seconds_from_opening.first_hold": N_("First hold"),
    "seconds_from_opening.all_taken": N_("All units taken"),
    "seconds_from_opening.last_verdict": N_("Last verdict"),
    "seconds_from_opening.last_paid": N_("Last payment"),
    "fairness": N_("Fairness"),
    "fairness.fifo_inversions": N_("Passed over or overtaken"),
}

COLUMNS: Final = {
    "seconds": N_("Second"),
    "intents": N_("Intents"),
    "decided": N_("Decided"),
    "granted": N_("Holds granted"),
    "paid": N_("Paid"),
    "refused": N_("Refused"),
    "line": N_("In line"),
    "standby": N_("On standby"),
    "available": N_("Available"),
    "held": N_("Held"),
    "sold": N_("Sold"),
}

CHECKS: Final = {
    "no_oversell": N_("Nothing was sold twice"),
    "conservation": N_("Every unit is accounted for"),
    "stores_agree": N_("Live state and ledger agree"),
    "fifo": N_("Nobody was passed over or overtaken"),
    "dense_tickets": N_("Tickets have no gaps"),
    "one_order_a_held_intent": N_("One order for each hold"),
    "line_is_whole": N_("Nobody in line was lost"),
    "standby_agrees": N_("Standby is the same in both stores"),
    "holds_agree": N_("Holds are the same in both stores"),
    "sold_agrees": N_("Sold units are the same in both stores"),
    "money_adds_up": N_("The money adds up"),
    "limit_is_kept": N_("Nobody has more than the limit"),
    "draw_repeats": N_("The draw can be repeated"),
    "nothing_parked": N_("No verdict was given up"),
}


def figure_words(path: str) -> str:
    """Name a figure by its path in the report; percentiles take the name of what they measure."""
    if path in FIGURES:
        return said(FIGURES[path])
    group, _dot, name = path.rpartition(".")
    return f"{said(FIGURES[group])}, {percentile_words(name)}"


def percentile_words(name: str) -> str:
    """Name a percentile."""
    return said(N_("longest")) if name == "max" else name


def column_words(name: str) -> str:
    """Name a column of the series."""
    return said(COLUMNS[name])


def check_words(name: str) -> str:
    """Say what an audit's check means when it passes; its own name where there are no words."""
    return said(CHECKS[name]) if name in CHECKS else name
