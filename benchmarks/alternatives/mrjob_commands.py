"""Runs two commands as an mrjob job. mrjob is an alternative, not a dependency."""

from mrjob.job import MRJob


class Commands(MRJob):
    """An mrjob job with a map command and a reduce command."""

    def configure_args(self) -> None:
        super().configure_args()
        self.add_passthru_arg("--map-command")
        self.add_passthru_arg("--reduce-command")

    def mapper_cmd(self) -> str:
        return str(self.options.map_command)

    def reducer_cmd(self) -> str:
        return str(self.options.reduce_command)


if __name__ == "__main__":
    Commands.run()
