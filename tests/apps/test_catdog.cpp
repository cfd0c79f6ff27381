// catdog as a user runs it: as a process, judged by what it prints, writes and returns.
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/io/file.h"
#include "data/tables/csv.h"
#include "losses/registry.h"
#include "tests/apps/running.h"
#include "tests/apps/small_data.h"

using namespace counterpoise;
using Json = nlohmann::json;

TEST_CASE("help and version go to stdout and exit with 0") {
  for (const char* arguments : {"--help", "-h", "train --help", "eval --help"}) {
    const Result r = must_succeed(catdog(arguments));
    CHECK(contains(r.out, "--data"));
    for (const std::string& line : lines_of(r.out)) CHECK_MESSAGE(line.size() <= 100, line);
    CHECK(r.err == "");
  }
  const Result r = must_succeed(catdog("--version"));
  for (const char* part : {"CUDA", "OpenBLAS", "stb_image: 2."}) CHECK_MESSAGE(contains(r.out, part), r.out);
}

TEST_CASE("wrong command lines end with 2 and one line that helps") {
  check_fails("--epohcs 3", 2, "did you mean --epochs?");
  check_fails("fly", 2, "unknown command \"fly\"");
  check_fails("--loss bce --gamma 2", 2, "--loss bce: gamma does not apply");
  check_fails("--loss focus", 2, "valid are mse, l1, smooth-l1");
  check_fails("--loss focal --gamma -1", 2, "out of range");
  check_fails("--loss focal --gamma two", 2, "is not a number");
  check_fails("--loss focal --alpha 2", 2, "out of range: 0 to 1, or none");
  check_fails("--model resnet", 2, "valid are vgg11");
  check_fails("--optimizer adagrad", 2, "valid are sgd, adam, adamw");
  check_fails("--optimizer adam --momentum 0.5", 2, "--momentum belongs to --optimizer sgd");
  check_fails("--schedule cosine --lr-gamma 0.5", 2, "--lr-gamma belongs to --schedule step");
  check_fails("--schedule often", 2, "valid are constant, step, multistep, cosine");
  check_fails("--epochs many", 2, "--epochs");
  check_fails("--image-size 31", 2, "--image-size");
  check_fails("--augment spin", 2, "flip");
  check_fails("--count mouse=3", 2, "cat=NUMBER,dog=NUMBER");
  check_fails("--count cat=1.5,dog=3", 2, "no whole number");
  check_fails("--count cat=0,dog=0", 2, "no image");
  check_fails("--count cat=0,dog=9", 2, "--count leaves no image of cat to train on; at least one of each class");
  check_fails("--gpu", 2, "unknown option --gpu. Valid options: ");
  check_fails("--seed -1", 2, "--seed");
  check_fails("--lr nan", 2, "\"nan\" is not a number");
  check_fails("--batch-size 010", 2, "\"010\" is not a number");
  check_fails("--output ''", 2, "nothing was given");
  check_fails("--count cat=1e12,dog=1", 2, "ten million");
  check_fails("--class-weights cat=1", 2, "no weight for class dog");
  check_fails("--class-weights cat=0,dog=0", 2, "every class has the weight 0");
  check_fails("--positive mouse", 2, "the classes are cat, dog");
  check_fails("--defer-weights 0.5", 2, "there are no class weights to defer; see --class-weights");
  check_fails("--subset first --data .", 2, "--subset says which images --count or --imbalance keep");
  check_fails("eval", 2, "--weights");
  check_fails("eval --weights x --epochs 3", 2, "unknown option --epochs");
  check_fails("--outputs 5", 2, "for two classes it is 1 (one logit) or 2");
}

TEST_CASE("a recall of 0 has an interval with a width, and F1, whose resamples agree, has none") {
  const TemporaryFolder folder;
  const Result r = catdog("--count cat=4,dog=4 --image-size 32 --width 0.05 --max-steps 1 --threshold 0.99 --output " +
                          (folder / "run"));
  CHECK(contains(r.out, "\n  95 % intervals: recall 0.000 to 0.008\n"));  // of 500: Wilson's
  const Json intervals = result_of(folder / "run")["intervals"];
  CHECK(intervals["recall"][1].get<double>() == doctest::Approx(0.0076242));
  CHECK(intervals["f1"] == Json({nullptr, nullptr}));
}

TEST_CASE("a new run says that it will replace a result, and one that fails before it begins leaves no folder") {
  const TemporaryFolder folder;
  const std::string few = "--count cat=4,dog=4 --image-size 32 --width 0.05 --epochs 1 --threshold 0.99 --output ";
  const Result first = catdog(few + folder.path()), second = catdog(few + folder.path());
  CHECK_FALSE(contains(first.err, "replaced"));
  CHECK(contains(second.err, "the result that is there will be replaced when this run ends"));
  CHECK(contains(second.out, "No image was classified as cat; --threshold f1 chooses another threshold"));
  const std::string weights = folder / "last.safetensors", wrong = "--width 0.1 --pretrained " + weights;
  const std::string here = "cd " + folder.path() + " && " + program("catdog") + " ";
  CHECK(shell(here + wrong).code == 3);
  CHECK_FALSE(std::filesystem::exists(folder / "runs"));
}

TEST_CASE("a device that is missing is an error, never another device in silence") {  // GPUs are hidden from programs
  check_fails("--device cuda", 4, "--device");
  check_fails("--compile", 2, "add --precision tf32 or bf16");
  check_fails("--compile --precision bf16 --deterministic", 2, "give one of them");
}

TEST_CASE("unusable data ends with 3 and says what to do") {
  check_fails("--data /nowhere/at/all", 3, "no such folder");
  const TemporaryFolder empty;
  check_fails("--data " + empty.path(), 3, "put the images of each class into a folder of its own");
  const DataSet data;
  check_fails(data.flags("--count cat=7,dog=2"), 3, "only 6");
  std::filesystem::remove_all(data.folder / "train/dog");
  make_directories(data.folder / "train/dog");
  check_fails(data.flags(), 3, "no images in this class's folder");
}

TEST_CASE("a training run writes everything, and its evaluation agrees") {
  const DataSet data;
  const TemporaryFolder out;
  const Result r = must_succeed(catdog(data.flags("--loss focal --gamma 2 --output " + out.path())));
  CHECK(contains(r.err, "Training on 6 cat, 6 dog; validating on 8 (split as given); positive class: cat"));
  CHECK(!contains(r.err, "\r"));
  for (const char* part : {"actual: cat", "predicted:", "accuracy", "precision", "recall", "F1"}) {
    CHECK_MESSAGE(contains(r.out, part), r.out);
  }
  const auto result = result_of(out.path());
  CHECK(result["tp"].get<int>() + result["fn"].get<int>() == 4);
  CHECK(result["fp"].get<int>() + result["tn"].get<int>() == 4);
  CHECK(result["options"]["loss"] == "focal");
  CHECK(result["options"]["gamma"] == 2);
  CHECK(result["options"]["seed"] == 1);
  const std::string steps = slurp(out / "steps.csv");
  CHECK(steps.rfind("step,epoch,loss,lr\n1,1,", 0) == 0);
  CHECK(count(steps, "\n") == 1 + 6);
  CHECK(slurp(out / "timing.csv").rfind("step,seconds,data_seconds\n1,", 0) == 0);
  CHECK(slurp(out / "epochs.csv").rfind("epoch,loss,", 0) == 0);
  // The parts of the classes add up to the loss.
  CsvReader epochs(out / "epochs.csv");
  for (std::vector<std::string> row; epochs.next(row);) {
    const auto number = [&](const char* column) { return std::stod(row.at(epochs.find(column))); };
    CHECK(number("loss:cat") + number("loss:dog") == doctest::Approx(number("loss")).epsilon(1e-5));
    CHECK(number("gradient:cat") > 0);
  }
  const std::string predictions = slurp(out / "predictions.csv");
  CHECK(predictions.rfind("path,label,logit\n", 0) == 0);
  CHECK(contains(predictions, "cat.0.bmp,1,"));
  CHECK(contains(predictions, "dog.0.bmp,0,"));

  const TemporaryFolder again;
  const Result e = must_succeed(catdog("eval --weights " + (out / "last.safetensors") + " --batch-size 4 --data " +
                                       data.folder.path() + " --output " + again.path()));
  CHECK(contains(r.out, e.out));
  CHECK(slurp(again / "predictions.csv") == predictions);
  const Result said = must_succeed(
      catdog("eval --weights " + (out / "best.safetensors") + " --threshold 0.25 --data " + data.folder.path()));
  CHECK(contains(said.err, "validation images of 2 classes; positive class: cat, threshold 0.25\n"));
}

TEST_CASE("options of losses, optimizers, schedules and networks train from the command line") {
  const DataSet data(4, 2);
  for (const char* more :
       {"--loss bce --class-weights balanced", "--loss balanced-bce --alpha 0.7", "--loss focal --alpha none",
        "--loss cross-entropy --class-weights cat=6,dog=0.55", "--optimizer sgd --nesterov",
        "--optimizer adamw --weight-decay 0.01", "--schedule step --lr-step-size 1",
        "--schedule constant --warmup-epochs 1", "--model vgg11_bn", "--positive dog --augment flip,rotate=0.2"}) {
    must_succeed(catdog(data.flags(more)));
  }
  const Result weighted = catdog(data.flags("--loss bce --class-weights cat=6,dog=0.55"));
  CHECK(contains(weighted.err, "class weights: cat 6, dog 0.55"));
}

TEST_CASE("a run says the parameters of its loss, and which class has which weight") {
  const DataSet data;
  const std::pair<std::string, std::string> told[] = {
      {"focal", "focal, gamma 2, alpha 0.75 for cat and 0.25 for dog; "},
      {"focal --outputs 2", "focal, gamma 2; "},
      {"focal --alpha none", "focal, gamma 2, alpha none; "},
      {"tversky", "tversky, alpha 0.3, beta 0.7, smooth 1; "},  // its alpha is the weight of false positives
      {"poly1 --epsilon -1", "poly1, epsilon -1, gamma 0; "}};
  for (const auto& [options, line] : told) {
    const Result r = catdog(data.flags("--max-steps 1 --output none --loss " + options));
    CHECK_MESSAGE(contains(r.err, "Loss: " + line), r.err);
  }
}

TEST_CASE("the same seed writes the same steps, whatever the number of workers; another seed others") {
  const DataSet data;
  std::string first;
  for (const char* more : {"--workers 0", "--workers 1", "--workers 3"}) {
    const TemporaryFolder out;
    must_succeed(
        catdog(data.flags(std::string("--augment flip,rotate=0.1 --threads 2 --output ") + out.path() + " " + more)));
    const std::string steps = slurp(out / "steps.csv");
    if (first.empty()) first = steps;
    CHECK(steps == first);
  }
  const TemporaryFolder out;
  must_succeed(catdog(data.flags("--augment flip,rotate=0.1 --threads 2 --seed 2 --output " + out.path())));
  CHECK(slurp(out / "steps.csv") != first);
}

TEST_CASE("--init starts from given weights, and refuses those of another network in one line") {
  const DataSet data;
  const TemporaryFolder out;
  must_succeed(catdog(data.flags("--output " + out.path())));
  const std::string weights = out / "last.safetensors";
  must_succeed(catdog(data.flags("--init " + weights)));
  check_fails(data.flags("--model vgg19 --init " + weights), 3, "missing");
  check_fails(data.flags("--init /nowhere.safetensors"), 3, "/nowhere.safetensors");
  const std::string bytes = slurp(weights);
  for (size_t cut = 0; cut < bytes.size(); cut += 64 * 1024) {
    std::ofstream(out / "cut.safetensors", std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(cut));
    check_fails("eval --weights " + (out / "cut.safetensors"), 3, "cut.safetensors");
  }
}

TEST_CASE("which class is augmented how is said, also that no class is rare") {
  const Result r = must_succeed(catdog("train --count cat=4,dog=12 --augment rare:vflip,others:flip --check"));
  CHECK_MESSAGE(contains(r.out, "augmentation: cat vflip; dog flip\n"), r.out);
  const Result none = catdog("train --count cat=4,dog=4 --augment rare:flip --check");
  CHECK_MESSAGE(contains(none.out, "no class is rare"), none.out);
  check_fails("train --count cat=4,dog=12 --augment bird:flip --check", 2, "--augment: ");
}

TEST_CASE("bad images are skipped, counted and named") {
  const DataSet data;
  write_file(data.folder / "train/cat/broken.jpg", "this is a text");
  write_file(data.folder / "train/dog/caf\xe9.jpg", "this, too, under a name that is not UTF-8");
  write_file(data.folder / "validation/dog/half.jpg", std::string("\xff\xd8\xff\xe0\0\x10JFIF", 10));
  const TemporaryFolder out;
  const Result r = must_succeed(catdog(data.flags("--output " + out.path())));
  CHECK(contains(r.err, "2 of 14 training images could not be read"));
  CHECK(contains(r.err, "1 of 9 validation images could not be read"));
  CHECK(contains(r.err, "broken.jpg"));
  CHECK(result_of(out.path())["unreadable"].size() == 3);
}

TEST_CASE("a folder whose name begins with synthetic holds images like any other") {
  const DataSet data(2, 2);
  const TemporaryFolder out;
  std::filesystem::rename(data.folder.path() + "/train", out / "synthetic_photos");
  const Result r =
      must_succeed(shell("cd " + out.path() + " && " + program("counterpoise") +
                         " train --data synthetic_photos --split 0.5/0.5 --max-steps 1 --resize keras --output none"));
  CHECK(contains(r.err, "Network: vgg11_bn, width 0.25, 64x64 images"));
}

TEST_CASE("a run's options can be given again with some of them replaced, and without what they were derived to") {
  const ShapeSet with_test({"cat", "dog"}, {{"train", 12}, {"validation", 4}, {"test", 4}});
  const ShapeSet without({"cat", "dog"}, {{"train", 12}, {"validation", 4}});
  const TemporaryFolder out;
  const std::string train = program("counterpoise") + " train ", config = " --config " + (out / "a/config.json");
  const Result first = must_succeed(
      shell(train + without.flags("--threshold cost --schedule multistep --lr-milestones 1 --output ") + (out / "a")));
  CHECK(contains(first.err, "chosen by cost fn=1,fp=1 on"));
  must_succeed(shell(train + config + " --schedule cosine --output none --data " + with_test.folder.path()));
  const Result fold = shell(train + config + " --epochs 1 --folds 3 --fold 1 --output none");
  CHECK_MESSAGE(contains(fold.err, "(fold 1 of 3 by seed "), fold.err);
}

TEST_CASE("divergence ends with 5 and leaves the earlier result as it was") {
  const DataSet data;
  const TemporaryFolder out;
  must_succeed(catdog(data.flags("--output " + out.path())));
  const std::string steps = slurp(out / "steps.csv"), last = slurp(out / "last.safetensors");
  const std::string result = slurp(out / "result.json");
  check_fails(data.flags("--optimizer sgd --lr 1e6 --epochs 20 --loss mse --output " + out.path()), 5,
              "try a smaller --lr");
  CHECK(slurp(out / "steps.csv") == steps);
  CHECK(slurp(out / "last.safetensors") == last);
  CHECK(slurp(out / "result.json") == result);
  must_succeed(catdog(data.flags("--seed 3 --output " + out.path())));
  CHECK(slurp(out / "last.safetensors") != last);
  CHECK(!in_progress(out, "steps.csv").empty());  // of the run that diverged
  check_fails(
      "eval --weights " + (out / "last.safetensors") + " --data " + data.folder.path() + " --output " + out.path(), 2,
      "choose another folder");
}

TEST_CASE("an output that cannot be written is one line and 1, before any training") {
  const DataSet data;
  check_fails(data.flags("--output /proc/nowhere"), 1, "/proc/nowhere");
  write_file(data.folder / "file", "x");
  check_fails(data.flags("--output " + (data.folder / "file/below")), 1, "file");
}

TEST_CASE("a file that grows too large fails in one line, and the earlier result survives") {
  const DataSet data;
  const TemporaryFolder out;
  must_succeed(catdog(data.flags("--output " + out.path())));
  const std::string last = slurp(out / "last.safetensors");
  const Result r = shell("trap '' XFSZ; ulimit -f 8; exec " + program("catdog") + " " +
                         data.flags("--seed 9 --output " + out.path()));
  CAPTURE(r.err);
  CHECK(r.code == 1);
  CHECK(contains(last_line(r.err), "last.safetensors"));
  CHECK(slurp(out / "last.safetensors") == last);
}

TEST_CASE("a standard output that cannot be written to is an error, not a lost result") {
  const Result r = shell(program("catdog") + " --summary >/dev/full");
  CHECK(r.code == 1);
  CHECK(contains(r.err, "standard output"));
}

TEST_CASE("SIGINT and SIGTERM save what was learned and end with 128 + the signal") {
  const DataSet data;
  for (const int signal : {SIGINT, SIGTERM}) {
    const TemporaryFolder out;
    Running run("catdog", data.flags("--device cpu --epochs 100000 --output " + out.path()));
    for (int i = 0; i < 1000 && in_progress(out, "last.safetensors").empty(); ++i) usleep(10000);
    run.send(signal);
    CHECK(run.code() == 128 + signal);
    const std::string weights = in_progress(out, "last.safetensors");
    CHECK(contains(run.err(), "Stopped by a signal"));
    CHECK(contains(last_line(run.err()), "The weights so far are in " + weights));
    must_succeed(catdog("eval --weights " + weights + " --data " + data.folder.path()));
  }
}

TEST_CASE("--no-shuffle takes the classes in turns, by natural order of names" * slow()) {
  const DataSet data;
  const TemporaryFolder a, b;
  REQUIRE(catdog(data.flags("--no-shuffle --augment none --count cat=2,dog=6 --seed 1 --init /dev/null --output " +
                            a.path()))
              .code == 3);
  must_succeed(catdog(data.flags("--output " + a.path())));
  const std::string init =
      "--augment none --count cat=2,dog=6 --init " + (a / "last.safetensors") + " --output " + b.path();
  must_succeed(catdog(data.flags("--no-shuffle --seed 1 " + init)));
  const std::string steps = slurp(b / "steps.csv");
  must_succeed(catdog(data.flags("--no-shuffle --seed 2 " + init)));
  CHECK(slurp(b / "steps.csv") == steps);  // nothing in it is random any more
}

TEST_CASE("--summary prints the lectures' table" * slow()) {
  const Result r = must_succeed(catdog("--summary --model vgg16 --image-size 160 --width 1"));
  for (const char* part : {"block1_conv1 (Conv2D)", "(None, 160, 160, 64)", "36,928", "block5_pool (MaxPooling2D)",
                           "(None, 5, 5, 512)", "14,714,688", "12,801"}) {
    CHECK_MESSAGE(contains(r.out, part), r.out);
  }
}

TEST_CASE("every loss trains" * slow()) {
  const DataSet data;
  for (const std::string& name : loss_names()) {
    CAPTURE(name);
    const TemporaryFolder out;
    must_succeed(catdog(data.flags("--max-steps 2 --loss " + name + " --output " + out.path())));
    const Json result = result_of(out.path());
    CHECK(result["options"]["loss"] == name);
    CHECK(result["steps"] == 2);
  }
}

TEST_CASE("techniques run, are told in the result, and evaluate to the same afterwards" * slow()) {
  const DataSet data(12, 8);
  for (const std::string technique :
       {"--sampler oversample", "--class-weights effective=0.99 --defer-weights 0.5", "--mix mixup=0.4",
        "--mix cutmix=1", "--mix remix=1 --loss focal --alpha none", "--crt 2", "--loss cross-entropy --tau-norm 1",
        "--adjust-logits 1.5", "--temperature --hold-out 0.3", "--threshold f1 --hold-out 0.3", "--threshold 0.3",
        "--loss mse --threshold balanced-accuracy --hold-out 0.3", "--outputs 2 --loss focal --crt 1 --temperature",
        "--loss ldam --class-weights none", "--loss ldam --scale 10 --crt 1 --adjust-logits 1",
        "--loss ldam --temperature --hold-out 0.3", "--loss influence-balanced", "--loss-reduction sum"}) {
    CAPTURE(technique);
    const TemporaryFolder out, again;
    const Result r = must_succeed(catdog(data.flags(technique + " --count cat=6,dog=12 --output " + out.path())));
    const Json result = result_of(out.path());
    const std::string flag = technique.substr(technique.rfind("--") + 2), name = flag.substr(0, flag.find(' '));
    const Json& told = result["options"];
    if (name == "mixup" || name == "cutmix") CHECK(told["mix"] == name + "=" + flag.substr(flag.find(' ') + 1));
    else if (name != "alpha" && name != "temperature") CHECK(told.contains(name));
    // Probabilities and shifts belong to the logits that ldam makes of cosines.
    const double temperature = result["decision"]["temperature"];
    if (contains(technique, "--scale 10")) CHECK(temperature == doctest::Approx(0.1));
    if (contains(technique, "--class-weights none")) CHECK(temperature == doctest::Approx(1 / 30.));
    const Result e = must_succeed(catdog("eval --batch-size 4 --data " + data.folder.path() + " --weights " +
                                         (out / "last.safetensors") + " --output " + again.path()));
    CHECK(contains(r.out, e.out));
    CHECK(slurp(again / "predictions.csv") == slurp(out / "predictions.csv"));
  }
}

TEST_CASE("a temperature changes probabilities, and no prediction at a threshold that is tuned" * slow()) {
  const DataSet data(12, 8);
  for (const std::string loss : {"bce", "ldam --scale 1000"}) {
    CAPTURE(loss);
    const TemporaryFolder plain, tempered;
    const std::string options = "--loss " + loss + " --count cat=8,dog=12 --threshold f1 --hold-out 0.3 --output ";
    must_succeed(catdog(data.flags(options + plain.path())));
    must_succeed(catdog(data.flags("--temperature " + options + tempered.path())));
    const Json a = result_of(plain.path()), b = result_of(tempered.path());
    const double before = a["decision"]["temperature"], after = b["decision"]["temperature"];
    CHECK(after != before);
    const double output = double(a["decision"]["cut"]) * before;  // of the network, where it separates the classes
    CHECK(double(b["decision"]["cut"]) * after == doctest::Approx(output));
    if (loss != "bce") CHECK(std::fabs(output) <= 2);  // the difference of two cosines
    for (const char* count : {"tp", "fn", "fp", "tn"}) CHECK(a[count] == b[count]);
  }
}

TEST_CASE("a classifier that is trained again has the scale of its loss" * slow()) {
  // Cosines times a thousandth are even odds, whatever they are.
  const Result r =
      must_succeed(catdog(DataSet().flags("--loss ldam --class-weights none --scale 0.001 --crt 1 --output none")));
  CHECK_MESSAGE(contains(r.err, "Classifier re-trained for 1 epoch: loss 0.693"), r.err);
}

TEST_CASE("nothing that is learned or tuned depends on the validation images" * slow()) {
  const DataSet data(12, 8);
  const TemporaryFolder first, second;
  const std::string options =
      "--count cat=8,dog=12 --sampler balanced-batch --mix mixup=0.2 --crt 1 --temperature --threshold f1 --hold-out "
      "0.3 "
      "--adjust-logits 0.5 --output ";
  const Result before = must_succeed(catdog(data.flags(options + first.path())));
  CHECK(contains(before.err, ", chosen by f1 on 7 held-out training images, 3 of them cat\n"));
  // The validation cats become dogs, and the dogs cats.
  const std::string validation = data.folder / "validation/";
  std::filesystem::rename(validation + "cat", validation + "x");
  std::filesystem::rename(validation + "dog", validation + "cat");
  std::filesystem::rename(validation + "x", validation + "dog");
  must_succeed(catdog(data.flags(options + second.path())));
  CHECK(slurp(first / "predictions.csv") != slurp(second / "predictions.csv"));
  CHECK(slurp(first / "steps.csv") == slurp(second / "steps.csv"));
  CHECK(slurp(first / "last.safetensors") == slurp(second / "last.safetensors"));
}

TEST_CASE("techniques that do not go together are refused, with what is valid") {
  check_fails("--sampler some", 2, "valid are shuffle, undersample");
  check_fails("--sampler oversample --no-shuffle", 2, "does not go with --no-shuffle");
  check_fails("--mix mixup=1 --loss ghm", 2, "counts whole samples");
  check_fails("--tau-norm 1 --loss focal", 2, "add --outputs 2");
  check_fails("--tau-norm 1", 2, "--loss bce has one; choose another, such as --loss cross-entropy");
  check_fails("--tau-norm 1 --loss ldam", 2, "have one length already");
  check_fails("--threshold 1.5", 2, "a probability between 0 and 1");
  check_fails("--threshold accuracy", 2, "valid are f1, balanced-accuracy, g-mean, mcc");
  check_fails("--hold-out 0.2", 2, "goes with --temperature or a --threshold that is chosen by a rule");
  check_fails("--loss mse --temperature", 2, "learns numbers, not logits");
  check_fails("--class-weights heavy", 2, "valid are none, balanced, inverse, sqrt, effective=BETA, median");
  check_fails("--loss-reduction most", 2, "valid are mean, weighted-mean, sum, positives");
  check_fails("--loss dice --loss-reduction sum", 2, "one number for a whole batch");
  check_fails("--loss cross-entropy --outputs 1", 2, "takes a logit for each class");
  check_fails("--loss bce --outputs 2", 2, "takes one logit per sample");
  check_fails("--count cat=1,dog=20 --temperature --epochs 1", 3, "too few to put some aside");
}
