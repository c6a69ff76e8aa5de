// SPDX-License-Identifier: Apache-2.0
// Inserts and ends jobs as fast as it can, printing each id once its write was acknowledged, until
// it is killed.
#include <string>
#include <unistd.h>

#include "engine/job_table.h"

int main(int, char** arguments) {
  auto table = assay::engine::JobTable::open(arguments[1]);
  if (!table) {
    return 1;
  }
  for (int number = 0;; ++number) {
    assay::engine::JobRecord record;
    record.spec.job_id = "job" + std::to_string(number);
    record.spec.work.candidate.source_code = std::string(20000, 'x');
    std::string line = record.spec.job_id;
    if (!(*table)->insert(record)) {
      return 1;
    }
    if (number % 3 != 0) {
      const auto spec = (*table)->begin_attempt(record.spec, 1.0);
      if (!spec) {
        return 1;
      }
      line += " begun " + std::to_string(spec->fencing_token);
    }
    line += "\n";
    if (::write(1, line.data(), line.size()) < 0) {
      return 1;
    }
  }
}
