"""Settings of the HTTP service: where it listens, who may reach it, how much it takes on at once."""

from pydantic import Field, SecretStr, field_validator

from executor.settings.names import Group, megabytes, names


class ServiceSettings(Group):
    """Where the HTTP service listens, who may reach it, and how much it takes on."""

    service_host: str = Field(
        "127.0.0.1", validation_alias=names("service_host"),
        description="the address at which htn serve listens; by default nobody but this machine reaches it",
    )  # fmt: skip
    service_port: int = Field(
        8080, ge=0, le=65_535, validation_alias=names("service_port"),
        description="the port of htn serve; 0 takes a free one",
    )  # fmt: skip
    service_token: SecretStr | None = Field(
        None, validation_alias=names("service_token"),
        description="what whoever asks the service has to know; without one, it is made and kept in the data folder",
    )  # fmt: skip
    service_hosts: str = Field(
        "", validation_alias=names("service_hosts"),
        description="further names, with commas between, under which the service may be asked, beside this machine's",
    )  # fmt: skip
    service_origins: str = Field(
        "", validation_alias=names("service_origins"),
        description="web pages' origins, with commas between, whose scripts may ask the service, beside its own",
    )  # fmt: skip
    service_body: str = Field(
        "4m", validation_alias=names("service_body"), description="the largest body of a request: 64k, 4m, 1g"
    )
    service_rate: int = Field(
        6_000, ge=0, le=10_000_000, validation_alias=names("service_rate"),
        description="the most requests of one address in a minute; 0: no limit",
    )  # fmt: skip
    service_requests: int = Field(
        256, ge=1, le=100_000, validation_alias=names("service_requests"),
        description="the most requests that are answered at once",
    )  # fmt: skip
    service_planners: int = Field(
        2, ge=1, le=256, validation_alias=names("service_planners"),
        description="processes of the service that look for plans",
    )  # fmt: skip
    service_runs: int = Field(
        4, ge=1, le=256, validation_alias=names("service_runs"),
        description="runs that the service carries out at once; others wait for their turn",
    )  # fmt: skip
    service_waiting: int = Field(
        10_000, ge=1, le=1_000_000, validation_alias=names("service_waiting"),
        description="runs that may wait for their turn; one more is refused",
    )  # fmt: skip
    service_seconds: float = Field(
        300, gt=0, le=86_400, validation_alias=names("service_seconds"),
        description="the most seconds that a request waits for a run; then the answer says where to look for it",
    )  # fmt: skip

    service_stop_seconds: float = Field(
        10, ge=0, le=3600, validation_alias=names("service_stop_seconds"),
        description="the seconds that requests and runs have to come to rest when the service is told to stop",
    )  # fmt: skip
    otel_endpoint: str = Field(
        "", validation_alias=names("otel_endpoint"),
        description="where traces of the service go, an OTLP address over HTTP such as http://127.0.0.1:4318; by"
        " default what OTEL_EXPORTER_OTLP_ENDPOINT says, and without that nowhere",
    )  # fmt: skip

    @field_validator("service_body", mode="before")
    @classmethod
    def _text(cls, amount: object) -> object:
        return str(amount) if type(amount) is int else amount

    @field_validator("service_body")
    @classmethod
    def _an_amount(cls, text: str) -> str:
        megabytes(text)
        return text

    @property
    def service_body_bytes(self) -> int:
        """The bytes of the largest body of a request."""
        text = self.service_body.strip().lower().removesuffix("b")
        return int(text[:-1].strip()) * 1024 if text.endswith("k") else megabytes(text) * 2**20
