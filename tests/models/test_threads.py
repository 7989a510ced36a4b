from threadpoolctl import ThreadpoolController

from models.threads import limit_threads


def test_the_limit_reaches_numpys_products_and_no_openmp() -> None:
    def threads(api: str) -> list[int]:
        return [pool.num_threads for pool in ThreadpoolController().select(internal_api=api).lib_controllers]

    others = threads("openmp")
    limit_threads(1)
    pools = ThreadpoolController().select(threading_layer="pthreads").lib_controllers
    assert pools
    assert all(pool.num_threads == 1 for pool in pools)
    assert threads("openmp") == others
