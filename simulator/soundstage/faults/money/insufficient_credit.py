"""A paid call is refused for lack of credits that are there."""

from typing import ClassVar

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.core.provider import Role
from soundstage.core.wallet import the_wallet
from soundstage.faults import ExchangeFault


class InsufficientCredit(ExchangeFault):
    """The call is refused in the provider's own words for lack of credits, although there are enough."""

    roles: ClassVar[frozenset[Role]] = frozenset({"create", "completion"})

    def before(self, scene: CallScene) -> Reply | None:
        """Let the provider itself refuse, as it would with an empty wallet; the wallet is as it was afterwards."""
        tx, call, operation = scene.tx, scene.call, scene.operation
        if operation.role not in self.roles:
            return None
        wallet = the_wallet(tx, call.key.wallet)
        tx.put("wallet", wallet.id, wallet._replace(available=0))
        reply = operation.handle(call, tx)
        tx.put("wallet", wallet.id, wallet)
        return reply
