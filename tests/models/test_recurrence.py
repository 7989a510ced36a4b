import pytest
import torch

from models.recurrence import AttentionGRU, TwoWayGRU, last_states, take_slots


@pytest.mark.parametrize("updating", [True, False])
def test_the_gradient_of_the_scan_is_that_of_finite_differences(updating: bool) -> None:
    torch.manual_seed(1)
    cell = AttentionGRU(3, 4, updating=updating).double()
    sequence = torch.randn(2, 5, 3, dtype=torch.double, requires_grad=True)
    gates = torch.rand(2, 5, dtype=torch.double, requires_grad=True)

    def read(sequence: torch.Tensor, gates: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        return cell(cell.project(sequence), gates)  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(read, (sequence, gates, *cell.parameters()))


def test_a_slot_whose_gate_is_shut_is_not_read() -> None:
    torch.manual_seed(2)
    cell, sequence = AttentionGRU(3, 4), torch.randn(1, 4, 3)
    read = cell(cell.project(sequence), torch.tensor([[1.0, 0.0, 0.5, 0.0]]))
    torch.testing.assert_close(read, cell(cell.project(sequence[:, [0, 2]]), torch.tensor([[1.0, 0.5]])))


def test_a_sequence_is_read_from_its_own_end() -> None:
    torch.manual_seed(3)
    cell, sequence = TwoWayGRU(3, 4), torch.randn(2, 4, 3)
    filled = torch.tensor([[True, True, True, True], [True, True, False, False]])
    alone = cell(sequence[1:, :2], filled[1:, :2])
    torch.testing.assert_close(cell(sequence, filled)[1:, :2], alone)
    torch.testing.assert_close(
        alone[:, 1:], cell.forwards(sequence[1:, :2])[0][:, 1:] + cell.backwards(sequence[1:, 1:2])[0]
    )


def test_states_are_taken_by_number() -> None:
    states = torch.arange(12.0).view(2, 3, 2)
    assert take_slots(states, torch.tensor([[2, 0], [1, 1]])).tolist() == [[[4, 5], [0, 1]], [[8, 9], [8, 9]]]
    filled = torch.tensor([[True, True, False], [False, False, False]])
    assert last_states(states, filled).tolist() == [[2, 3], [6, 7]]
