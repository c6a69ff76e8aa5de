// SPDX-License-Identifier: Apache-2.0
// The job table's tables and columns, version by version. Only job_table.cpp includes this.
#pragma once

#include <cstdint>

#include "engine/sqlite.h"

namespace assay::engine {

// 0: no table yet. Throws SqliteError, as below.
std::int64_t schema_version(const Database& database);
// Steps from `version` to kJobTableVersion, each in a transaction of its own.
void bring_up_to_date(Database& database, std::int64_t version);

}  // namespace assay::engine
