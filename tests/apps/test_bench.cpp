// The program bench, and the script that runs it and the tests on a GPU, with programs that stand in for ours.
#include <nlohmann/json.hpp>

#include "tests/golden.h"
#include "tests/gpu.h"
#include "tests/program.h"

using namespace counterpoise;

namespace {

using Json = nlohmann::json;

Result on_gpu(const std::string& arguments) { return shell(source_folder() + "/tests/on_gpu.sh " + arguments); }

doctest::skip needs_python() { return doctest::skip(std::system("python3 -c '' 2>/dev/null") != 0); }

// A folder with a bench and a run_tests that print a line and do what is wanted then.
void write_programs(const TemporaryFolder& folder, const std::string& then) {
  shell("mkdir " + (folder / "apps"));
  for (const char* name : {"apps/bench", "apps/catdog", "run_tests"}) {
    write_file(folder / name,
               "#!/bin/sh\necho '{\"problem\":0,\"pass\":\"forward\",\"shape\":\"begun\",\"times\":1}'\n" + then);
    shell("chmod +x " + (folder / name));
  }
}

}  // namespace

TEST_CASE("bench: its result is the last line of JSON, and says what was measured") {
  const Result r = must_succeed(shell(program("bench") + " train --size 32 --width 0.05 --batch 2 --seconds 0"));
  const Json result = parse_json(r.out);
  CHECK(result.at("seconds") > 0);
  CHECK(result.at("peak_mib") > 1);
  CHECK(result.at("mode") == "train");
  CHECK(result.at("batch") == 2);
}

TEST_CASE("bench: operations are printed as they are timed, after a copy, and again together") {
  const std::string command = program("bench") + " operations --size 32 --width 0.1 --batch 1 --seconds 0";
  const Result r = must_succeed(shell(command + " --stream"));
  const std::vector<std::string> lines = lines_of(r.out);
  const Json table = parse_json(lines.back()).at("operations");
  CHECK(lines.size() == table.size() + 1);
  CHECK(parse_json(lines[0]) == table[0]);
  CHECK(table[0].at("operation") == "copy");
  CHECK(table[0].at("total") == 0);
  int products = 0;
  for (const Json& row : table) {
    CHECK(row.at("gb_per_s") > 0);
    products += row.contains("tflop_per_s");
    if (row.at("operation") != "conv2d dw" || row.at("shape") != "32x32, 3 to 6") continue;
    const double tera = 2.0 * 9 * 32 * 32 * 3 * 6 / 1e12;
    CHECK(row.at("tflop_per_s").get<double>() * row.at("seconds").get<double>() == doctest::Approx(tera));
  }
  CHECK(products == 9 + 9 + 8 + 3);  // convolutions with their gradients, and the linear layer with its own
  CHECK(lines_of(shell(command).out).size() == 1);
}

TEST_CASE("bench: plans without a GPU end with 4 and one line") {
  check_program_fails(program("bench"), "plans", 4, "--device cuda");
  check_program_fails(program("bench"), "plans --device cpu", 4, "plans of a GPU's library");
  check_program_fails(program("bench"), "layers --no-cuda-graphs", 2, "is for train and infer");
  check_program_fails(program("bench"), "train --compile", 2, "add --precision tf32 or bf16");
}

TEST_CASE("bench: on a GPU it prints every plan and the peaks of memory, and fails where there is no plan" *
          needs_emulated_gpu() * slow()) {
  const std::string small = " --device cuda --precision bf16 --size 32 --width 0.06 --batch 2 --seconds 0";
  const auto bench = [&](const std::string& mode, const std::string& GPU = "") {
    return shell("unset CUDA_VISIBLE_DEVICES; export COUNTERPOISE_CACHE= CUDA_EMULATOR=" + GPU + "; " +
                 program("bench") + " " + mode + small);
  };
  const std::vector<std::string> lines = lines_of(bench("plans").out);
  const Json last = parse_json(lines.back());
  CHECK(last.at("problems") == 26);
  CHECK(lines.size() == size_t(1 + 26 + last.at("timed").get<int>() + last.at("refused").get<int>()));
  CHECK(last.at("timed").get<int>() >= 26);
  CHECK(parse_json(lines[0]).at("pass") == "forward");
  CHECK(parse_json(lines[1]).at("plan") == 0);

  const Json train = parse_json(bench("train").out);
  CHECK(train.at("allocated_mib") > 32);  // cuBLAS's workspace alone
  CHECK(train.at("reserved_mib") >= train.at("allocated_mib"));
  CHECK(!train.contains("peak_mib"));
  for (const char* mode : {"train", "infer"}) {
    CHECK(contains(parse_json(bench(mode).out).at("graph").get<std::string>(), "steps as a CUDA graph, of "));
    CHECK(!parse_json(bench(mode + std::string(" --no-cuda-graphs")).out).contains("graph"));
  }

  for (const char* mode : {"train", "infer", "layers", "operations"}) {
    CAPTURE(mode);
    const Result r = bench(mode, "no-plans");
    CHECK(r.code == 4);
    CHECK(r.out == "");
    CHECK(contains(last_line(r.err), "took a slow path"));
  }
}

TEST_CASE("on_gpu.sh: a wrong command line is told in one line") {
  CHECK(contains(on_gpu("").err + on_gpu("").out, "tests/on_gpu.sh run PART"));
  for (const char* arguments : {"run", "run plan --results r", "run plans", "run plans --results r --limit x",
                                "run plans+plan --results r", "unpack a"}) {
    CAPTURE(arguments);
    const Result r = on_gpu(arguments);
    CHECK(r.code == 2);
    CHECK(lines_of(r.err).size() == 1);
  }
  const std::string parts = on_gpu("list").out;
  CHECK(lines_of(parts).size() == 15);
  CHECK(contains(parts, "sanitizers"));
}

TEST_CASE("on_gpu.sh: a part ends after its limit, and one that fails or does not begin is named" * slow()) {
  const TemporaryFolder slow_programs, broken, results;
  write_programs(slow_programs, "exec sleep 60\n");
  const std::string environment = "export ON_GPU_TRY=1; BUILD=";
  const std::string run = source_folder() + "/tests/on_gpu.sh run ";
  must_succeed(
      shell(environment + slow_programs.path() + " " + run + "plans gpu-tests --limit 3 --results " + results.path()));
  std::string summary = slurp(results / "summary.txt");
  CHECK(contains(summary, "plans: ENDED after its limit of "));
  CHECK(contains(summary, "gpu-tests: NOT BEGUN"));
  CHECK(contains(slurp(results / "plans.log"), "begun"));
  CHECK(shell("tar -xOf " + (results / "results.tar.gz") + " results/plans.log").out == slurp(results / "plans.log"));

  write_programs(broken, "echo 'the reason' >&2; exit 4\n");
  must_succeed(shell(environment + broken.path() + " " + run + "plans+experiments --photographs " + broken.path() +
                     " --archive " + (broken / "all.tar.gz") + " --results " + results.path()));
  summary = slurp(results / "summary.txt");
  CHECK(contains(summary, "plans: FAILED with 4 after"));
  CHECK(contains(summary, "s: the reason -- ended with 4: bench plans"));
  CHECK(contains(summary, "experiments: SKIPPED, " + broken.path() + " has too few photographs"));
  CHECK(shell("tar -xOf " + (broken / "all.tar.gz") + " results/summary.txt").out == summary);
}

TEST_CASE("on_gpu.sh: a run that is killed leaves an archive, and the report shows how far it came" * slow() *
          needs_python()) {
  const TemporaryFolder programs;
  write_programs(programs, "exec sleep 6\n");
  for (const auto& [signal, parts] : {std::pair("KILL", "plans"), std::pair("TERM", "plans+gpu-tests")}) {
    CAPTURE(signal);
    CAPTURE(parts);
    const TemporaryFolder results;
    shell("export ON_GPU_TRY=1; BUILD=" + programs.path() + " " + source_folder() + "/tests/on_gpu.sh run " + parts +
          " --results " + results.path() + " & sleep 3; kill -" + signal + " $!; wait");
    const Result report = must_succeed(on_gpu("report " + (results / "results.tar.gz")));
    CHECK(contains(report.out, "| forward | begun | 1 | - |"));
    CHECK(contains(report.out, "plans: unfinished: the run was killed in the middle of it"));
  }
}

TEST_CASE("on_gpu.sh: the report makes tables of what is there and names what is missing" * needs_python()) {
  const TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& text) { write_file(folder / name, text); };
  write("summary.txt",
        "plans: done in 80 s\nours: done in 9 s\npytorch: FAILED with 1 after 9 s: no memory\n"
        "tables: done in 70 s\nsanitizers: ENDED after its limit of 75 s\n");
  const std::string plan = R"("name":"engine 1","prepare_ms":1,"workspace_mib":2,)";
  write("plans.log", R"({"problem":0,"pass":"dw","shape":"160x160, 3 to 64","times":2,"tflop":0.02})"
                     "\n{\"problem\":0,\"plan\":0," +
                         plan +
                         R"("ms":4,"tflop_per_s":5,"deviation":0,"agrees":true})"
                         "\n{\"problem\":0,\"plan\":1," +
                         plan +
                         R"("ms":2,"tflop_per_s":10,"deviation":0.1,"agrees":true})"
                         "\n{\"problem\":0,\"plan\":2," +
                         plan +
                         R"("ms":1,"tflop_per_s":20,"deviation":9,"agrees":false})"
                         "\n{\"problem\":0,\"plan\":3,\"name\":\"engine 2\",\"refusal\":\"no\"}\n{\"probl");
  const std::string what =
      R"("mode":"train","model":"vgg16","precision":"bf16","size":160,"batch":256,"allocated_mib":3000,"reserved_mib":4000,)";
  write("ours.log", "$ bench train\n{" + what + "\"seconds\":0.03,\"graph\":\"7 of 10 steps\"}\n");
  write("pytorch.log", "{" + what +
                           "\"seconds\":0.045,\"variant\":\"eager\"}\n{\"mode\":\"train\",\"variant\":\"compile\","
                           "\"error\":\"no compiler\"}\n");
  write("tables.log", "[doctest] test cases: 3 | 3 passed | 0 failed | 9 skipped\n");
  write("sanitizers.log",
        "== racecheck of ops\n========= RACECHECK SUMMARY: 0 hazards displayed\n== memcheck of ops\n");
  write("cifar10-lt.log", "training\n| ldam-drw | 77.1 |\nReport: reproduce.md\n");
  shell("mkdir -p " + (folder / "cifar10/balanced/unfinished-abcdef"));
  write("cifar10.log", "== balanced\n");
  write("cifar10/balanced/unfinished-abcdef/epochs.csv",
        "epoch,loss,accuracy,precision,recall,f1,tp,fp,fn,tn,seconds\n1,0.5,0.9,0.8,0.7,0.75,1,1,1,1,2.5\n");

  const Result r = on_gpu("report " + folder.path());
  CAPTURE(r.out);
  CAPTURE(r.err);
  REQUIRE(r.code == 0);
  for (const char* part :
       {"| dw | 160x160, 3 to 64 | 2 | engine 1 | 2 | 10 | 2.00 | 2 | 3 / 1 / 1 |",
        "4 ms by the fastest plans, 8 ms by the first", "disagrees: dw 160x160, 3 to 64: engine 1, by 9",
        "| vgg16 train 160x160, batch 256, bf16 | 30 | 45 | - | 1.50 | 8533 |", "| 3000 / 4000 | 3000 / 4000 | - |",
        "PyTorch compile, train: no compiler", "pytorch: FAILED with 1", "test cases: 3 | 3 passed",
        "racecheck of ops: RACECHECK SUMMARY: 0 hazards", "memcheck of ops: no verdict", "speed is missing",
        "gpu-tests is missing", "| balanced | 0.8 | 0.7 | 0.75 | 0.9 | 0.75 (epoch 1) | 1, then ended | 2.5 |",
        "\n| ldam-drw | 77.1 |\n"}) {
    CHECK_MESSAGE(contains(r.out, part), part);
  }
  CHECK(on_gpu("report /nowhere").code == 1);
}
