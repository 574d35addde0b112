"""The payment providers that are configured: which one charges, and which may still send webhooks."""

from config import Settings
from models.database import Database
from tasks.providers.port import Provider, ProviderUnavailable
from tasks.providers.sandbox import METHODS, Method, SandboxProvider
from tasks.providers.stripe import StripeProvider


class Providers:
    """The configured providers by name. Nothing connects, and no library is loaded, before its first use."""

    def __init__(self, settings: Settings, database: Database) -> None:
        key, old = settings.secret_key, settings.old_secret_keys
        sandbox = SandboxProvider(database, settings.payments, key, old_secret_keys=old)
        self._by_name: dict[str, Provider] = {sandbox.name: sandbox}
        if settings.payments.stripe is not None:
            stripe = StripeProvider(settings.payments.stripe)
            self._by_name[stripe.name] = stripe
        self.current: Provider = self._by_name[settings.payments.provider]

    @property
    def methods(self) -> tuple[Method, ...]:
        """List the methods of the provider that charges, if it has a list: the sandbox's test cards."""
        return METHODS if isinstance(self.current, SandboxProvider) else ()

    @property
    def stripe(self) -> StripeProvider | None:
        """Stripe, if it is the provider that charges."""
        return self.current if isinstance(self.current, StripeProvider) else None

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def named(self, name: str) -> Provider:
        """Find the provider of a payment, which may be of another one than charges now.

        Raises:
            ProviderUnavailable: it is not configured (any more).
        """
        provider = self._by_name.get(name)
        if provider is None:
            raise ProviderUnavailable(f"The payment provider {name} is not configured.")
        return provider
