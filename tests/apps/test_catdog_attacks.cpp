// What catdog must survive: signals in any phase, readers that end, divergence in the last step, hostile weights and
// names.
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "apps/trainer/format.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/safetensors.h"
#include "tests/apps/running.h"
#include "tests/apps/small_data.h"

using namespace counterpoise;

TEST_CASE("a signal during classifier re-training keeps the weights of the last epoch") {
  const DataSet data;
  const TemporaryFolder out;
  Running run("catdog", data.flags("--crt 10000 --device cpu --output " + out.path()));
  run.wait_for("epoch 2/2");
  const std::string weights = in_progress(out, "last.safetensors");
  REQUIRE(!weights.empty());
  for (int i = 0; i < 3000 && !contains(slurp(weights), "\"epoch\":\"2\""); ++i) usleep(10000);
  usleep(200000);  // some steps of the technique
  const std::string before = slurp(weights);
  run.send(SIGTERM);
  CHECK(run.code() == 143);
  CHECK(slurp(weights) == before);
  CHECK(last_line(run.err()) == "Stopped by a signal after the last epoch, before the result. " + weights +
                                    " holds the weights of epoch 2; to go on: --resume " + out.path());
  CHECK(!contains(run.err(), "re-trained"));
  must_succeed(catdog("eval --weights " + weights + " --data " + data.folder.path()));
}

TEST_CASE("a second signal ends the program at once") {
  const DataSet data;
  const TemporaryFolder out;
  Running run("catdog", data.flags("--epochs 100000 --device cpu --output " + out.path()));
  run.wait_for("epoch 1/");
  run.send(SIGSTOP);  // so that no step ends between the two
  run.send(SIGTERM), run.send(SIGINT);
  run.send(SIGCONT);
  const int code = run.code();
  CHECK((code == 143 || code == 130));
  CHECK(!contains(run.err(), "Stopped by"));
}

TEST_CASE("signals end the program as usual once its work is done, and nohup stays in effect") {
  signal(SIGHUP, SIG_DFL);  // which the tests may have been started with ignored
  const auto ignored = [] { signal(SIGHUP, SIG_IGN); };
  CHECK(outcome_of([] {
          StopSignals caught;
          raise(SIGTERM), _exit(10 + stop_signal());
        }) == 10 + SIGTERM);
  CHECK(outcome_of([] {
          StopSignals caught;
          raise(SIGTERM), raise(SIGTERM);
        }) == 128 + SIGTERM);
  CHECK(outcome_of([] {
          { StopSignals caught; }
          raise(SIGTERM);
        }) == -SIGTERM);
  CHECK(outcome_of([] {
          StopSignals caught;
          raise(SIGHUP), _exit(10 + stop_signal());
        }) == 10 + SIGHUP);
  CHECK(outcome_of([&] {
          ignored();
          StopSignals caught;
          raise(SIGHUP), _exit(10 + stop_signal());
        }) == 10);
  CHECK(outcome_of([&] {
          ignored();
          { StopSignals caught; }
          raise(SIGHUP);
        }) == 0);
}

TEST_CASE("a reader of the messages that ends does not end the training") {
  const DataSet data;
  const TemporaryFolder out;
  const Result r = shell("{ " + program("catdog") + " " + data.flags("--epochs 5 --output " + out.path()) +
                         "; echo $? >" + (out / "code") + "; } 2>&1 | head -n 1");
  CHECK(contains(r.out, "Training on 6 cat, 6 dog"));
  // The code of a closed pipe where the report could not be printed either.
  CHECK(slurp(out / "code") == "141\n");
  CHECK(std::filesystem::exists(out / "result.json"));
  CHECK(in_progress(out, "steps.csv").empty());
  // Messages alone do not matter.
  const TemporaryFolder other;
  const Result s = shell("{ " + program("catdog") + " " + data.flags("--epochs 5 --output " + other.path()) +
                         "; echo $? >" + (other / "code") + "; } 2>&1 >" + (other / "report") + " | head -n 1");
  CHECK(slurp(other / "code") == "0\n");
  CHECK(contains(slurp(other / "report"), "F1"));
  CHECK(shell("{ " + program("losses") + " list --json; echo $? >" + (out / "code") + "; } | head -n 1").err == "");
}

TEST_CASE("messages do not get into files where the standard streams are closed") {
  const DataSet data;
  const TemporaryFolder out;
  const std::string train = program("catdog") + " " + data.flags("--device cpu --threads 1 --output ");
  CHECK(shell(train + (out / "a") + " 2>&- >&- <&-").code == 1);  // the report could not be printed
  must_succeed(shell(train + (out / "b") + " 2>&- <&-"));
  for (const char* run : {"a", "b"}) {
    CHECK(std::filesystem::exists(out / (std::string(run) + "/result.json")));
    for (const auto& entry : std::filesystem::directory_iterator(out / run)) {
      CAPTURE(entry.path().string());
      CHECK(!contains(slurp(entry.path()), "epoch 1/2 "));
      CHECK(!contains(slurp(entry.path()), "Result on "));
    }
  }
  const Result compared = shell(program("catdog") + " compare --seeds 1 --output " + (out / "c") + " " +
                                data.flags("--device cpu") + " -- \"--loss bce\" 2>&- >&- <&-");
  CHECK(compared.code == 1);
  CHECK(std::filesystem::exists(out / "c/compare.json"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(out / "c/cells")) {
    if (entry.path().filename() == "log.txt") CHECK(contains(slurp(entry.path()), "epoch 1/2 "));
  }
}

TEST_CASE("a limit on the size of files is an error in one line") {
  const DataSet data;
  const TemporaryFolder out;
  const Result r = shell("ulimit -f 8; exec " + program("catdog") + " " + data.flags("--output " + out.path()));
  CAPTURE(r.err);
  CHECK(r.code == 1);
  CHECK(contains(last_line(r.err), "raise the limit"));
}

TEST_CASE("divergence in the last step ends with 5 and keeps the weights of the epoch before") {
  const DataSet data(2, 2);
  const TemporaryFolder out;
  for (const char* optimizer : {"sgd", "adam"}) {
    check_fails(
        data.flags("--epochs 1 --max-steps 1 --model vgg11 --width 0.02 --schedule constant --head-init glorot --lr "
                   "1e6 --optimizer " +
                   std::string(optimizer) + " --output " + out.path()),
        5,
        "training diverged: the network's outputs for 4 of 4 images are NaN or infinite after step 1 (epoch 1); "
        "try a smaller --lr");
    CHECK(in_progress(out, "last.safetensors").empty());
  }
  // The first of two steps leaves weights that are too large for the second.
  const Result r =
      catdog(data.flags("--schedule constant --head-init glorot --optimizer sgd --lr 1000 --output " + out.path()));
  CAPTURE(r.err);
  CHECK(r.code == 5);
  const std::string weights = in_progress(out, "last.safetensors");
  CHECK(contains(last_line(r.err), "after step 2 (epoch 2); try a smaller --lr"));
  CHECK(contains(last_line(r.err), "; the weights of epoch 1 are in " + weights));
  must_succeed(catdog("eval --weights " + weights + " --data " + data.folder.path()));
}

TEST_CASE("weights that give NaN are said to, instead of F1 0") {
  const DataSet data(2, 2);
  const TemporaryFolder out;
  must_succeed(catdog(data.flags("--epochs 1 --output " + out.path())));
  const SafetensorsFile good(out / "last.safetensors");
  std::vector<std::vector<float>> values;
  std::vector<FileTensor> tensors;
  values.reserve(good.names().size());
  for (const std::string& name : good.names()) {
    values.push_back(good.read_f32(name));
    for (float& value : values.back()) value *= 1e10f;
    tensors.emplace_back(name, good.shape(name), values.back());
  }
  save_safetensors(out / "huge.safetensors", tensors, good.metadata());
  check_fails(
      "eval --weights " + (out / "huge.safetensors") + " --data " + data.folder.path(), 3,
      "huge.safetensors: the network's outputs for 4 of 4 images are NaN or infinite; these weights come from a "
      "run that diverged");
}

TEST_CASE("a threshold is checked before anything else") {
  for (const char* given : {"--threshold=-0.5", "--threshold .0", "--threshold +2", "--threshold 1e-400",
                            "eval --weights none --threshold=-0.5", "eval --weights none --threshold 1"}) {
    CAPTURE(given);
    const Result r = catdog(given);
    CHECK(r.code == 2);
    CHECK(contains(r.err, "is out of range: a probability between 0 and 1"));
    CHECK(last_line(r.err) + "\n" == r.err);
  }
}

TEST_CASE("weights are compared with a network of any size at no cost") {
  const TemporaryFolder out;
  const std::vector<float> one(1);
  const std::string weights = out / "w.safetensors";
  for (const char* head : {"lectures", "imagenet"}) {
    save_safetensors(weights, {{"a", {1}, one}},
                     {{"model", "vgg19_bn"}, {"width", "8"}, {"image_size", "2048"}, {"outputs", "2"}, {"head", head}});
    const Result r = shell("timeout 10 " + program("catdog") + " eval --weights " + weights);
    CHECK(r.code == 3);
    CHECK(contains(r.err, "these weights belong to another network"));
    const Result init =
        shell("timeout 10 " + program("catdog") + " --model vgg19_bn --width 8 --image-size 1024 --head " +
              std::string(head) + " --init " + weights);
    CHECK(init.code == 3);
    CHECK(contains(init.err, "these weights belong to another network"));
    const Result s = must_succeed(shell("timeout 10 " + program("catdog") +
                                        " --summary --model vgg19_bn --width 8 --image-size 2048 " +
                                        "--outputs 100000 --head " + std::string(head)));
    CHECK(contains(s.out, head[0] == 'l' ? "dense (Dense)" : "fc1 (Dense)"));
  }
}

TEST_CASE("long and nested metadata are refused in a short line") {
  const TemporaryFolder out;
  const std::string weights = out / "w.safetensors", nested(1 << 20, '[');
  const auto refused = [&](std::map<std::string, std::string> metadata, const std::string& arguments) {
    save_safetensors(weights, {}, metadata);
    const Result r = catdog("eval --weights " + weights + " " + arguments);
    CHECK(r.code == 3);
    CHECK(r.err.size() < 1000);
    return r.err;
  };
  for (const std::string key : {"model", "width", "image_size", "head", "positive", "cut", "classes"}) {
    CAPTURE(key);
    refused({{key, nested}}, "");
  }
  CHECK(contains(refused({{"training_images", nested}}, "--adjust-logits 1"), "are not 2 numbers"));
}

TEST_CASE("names with commas, equals signs and control characters") {
  const DataSet data;
  for (const char* split : {"train/", "validation/"}) {
    std::filesystem::rename(data.folder / (split + std::string("cat")), data.folder / (split + std::string("a,b")));
    std::filesystem::rename(data.folder / (split + std::string("dog")),
                            data.folder / (split + std::string("c=d\x1b[31m")));
  }
  std::filesystem::rename(data.folder / "validation/a,b/cat.0.bmp", data.folder / "validation/a,b/new\rline.bmp");
  write_file(data.folder / "train/a,b/\x1b[2J\n.jpg", "no image");
  const TemporaryFolder out;
  const Result r =
      must_succeed(catdog(data.flags("--class-weights 'a,b=2,c=d\x1b[31m=1' --positive 'a,b' --output " + out.path())));
  CHECK(contains(r.err, "class weights: a,b 2, c=d\\x1b[31m 1"));
  CHECK(contains(r.err, "/\\x1b[2J\\x0a.jpg"));
  CHECK(contains(r.out, "c=d\\x1b[31m"));
  for (const std::string& text : {r.out, r.err}) CHECK(!contains(text, "\x1b"));
  CHECK(contains(slurp(out / "predictions.csv"), "\"" + data.folder.path() + "/validation/a,b/new\rline.bmp\",1,"));
  const Result counted = catdog(data.flags("--count 'a,b=2,c=d\x1b[31m=3'"));
  CAPTURE(counted.err);
  CHECK(contains(counted.err, "Training on 2 a,b, 3 c=d\\x1b[31m;"));
  check_fails(data.flags("--count a=2"), 2, "write a,b=NUMBER,c=d\\x1b[31m=NUMBER");
}

TEST_CASE("printable text") {
  CHECK(printable("K\xc3\xa4tzchen \xe7\x8c\xab \xf0\x9f\x90\x88") == "K\xc3\xa4tzchen \xe7\x8c\xab \xf0\x9f\x90\x88");
  CHECK(printable(std::string("a\0b\t\x7f", 5)) == "a\\x00b\\x09\\x7f");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");                             // U+009B begins a command, too
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");                             // not UTF-8
  CHECK(printable("\xed\xa0\x80\xc0\x80") == "\\xed\\xa0\\x80\\xc0\\x80");  // a surrogate, a long form of NUL
}
