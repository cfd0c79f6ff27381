// Exercise 15; 15_transfer.md describes it. Write the functions' bodies in place of the throw, then: make exercise N=15
// (struct Network, with a body and a head, is in checks/15_transfer_types.h.)

// The same body with a new head, for classes with the given shares: as many outputs as shares, normal weights with the
// standard deviation 0.01, and biases with which a softmax of the biases alone is the shares.
Network with_new_head(Network trained, const std::vector<double>& shares) {
  throw Unsolved{
      "head.trainable()[0] is the old weight, and its shape()[1] the number of features; Linear(features, outputs, "
      "0.01); set_value() of head.trainable()[1] to the logarithms of the shares, a Tensor of float"};
}

// The logits of images, for a step of training that must leave everything in the body as it is: no gradient goes into
// it, and its layers do not update what they count, whatever mode it was in before.
Var frozen_logits(Network& network, const Tensor& images) {
  throw Unsolved{"the body in evaluation mode, and detach() of what it computes, before the head gets it"};
}

// What the optimizer gets.
std::vector<Var> to_train(const Network& network) { throw Unsolved{"trainable() of one of the two parts"}; }
