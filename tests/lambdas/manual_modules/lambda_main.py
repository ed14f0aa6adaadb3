from file1 import foo_from_file1
from luna_lambda_tools import StandaloneLambdaRequest
from path import fileinpath1
from path.fileinpath2 import foo_from_fileinpath2


async def main(request: StandaloneLambdaRequest) -> dict:
    return {
        "from_file_1": foo_from_file1(),
        "variable_from_nested": fileinpath1.get_variable_from_another_file(),
        "from_file_in_path_1": fileinpath1.foo_from_fileinpath1(),
        "from_file_in_path_2": foo_from_fileinpath2(),
    }
