// SPDX-License-Identifier: Apache-2.0
// Whether what a call returned is what its own contract says, and words for where it is not.
#pragma once

#include <string>
#include <vector>

#include "engine/judge/slot_layout.h"
#include "schemas/kernel.h"
#include "schemas/worker_message.h"

namespace assay::engine::judge {

// Of a torch function with a contract: what it returned must be its outputs, with or without its
// inout tensors; a contract without either says nothing about them. Failure: contract.
void demand_contract_outputs(const schemas::Kernel& kernel, const SlotLayout& returned);

// For a function that cannot be called with the contract's arguments: that tensors of role output
// are none of them, or empty where there are none.
std::string hint_of_outputs(const schemas::Kernel& kernel);

// That returned tensors do not count, since outputs are arguments.
std::string ignored_text(const SlotLayout& outputs,
                         const std::vector<schemas::OutputShape>& ignored);

}  // namespace assay::engine::judge
