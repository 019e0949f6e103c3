"""What git says of the signature of a commit that is to run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Signature:
    """The signature of the commit `commit` of a service, in `repository`.

    `by` is the signer as the operator's file names them, `key` the fingerprint, `tag` the signed tag where tags count;
    `problem` says why it is not accepted, "" where it is.
    """

    service: str
    commit: str
    repository: str
    by: str = ""
    key: str = ""
    tag: str = ""
    problem: str = ""

    @property
    def short(self) -> str:
        """Seven characters that name the commit, as git shows them."""
        return self.commit[:7]
