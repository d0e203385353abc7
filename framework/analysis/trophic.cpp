#include "framework/analysis/trophic.hpp"

#include <numeric>

namespace strata {
namespace {

// Direct connections from the living neurons of one layer to those of another.
struct Connections {
  std::size_t source, target;
  Matrix weight;  // sources × targets
};

std::vector<Connections> direct_connections(const InfluenceAnalysis& analysis) {
  const Neurons& neurons = analysis.neurons();
  std::vector<Connections> all;
  for (std::size_t t = 1; t < neurons.size(); ++t) {
    const std::size_t first = all.size();
    for (std::size_t s = 0; s < t; ++s) {
      if (neurons.hops(t, s) != 1 || (s == 0 && !analysis.options().with_input)) continue;
      all.push_back({s, t, Matrix::Zero(neurons[s].units, neurons[t].units)});
    }
    std::vector<Index> units(static_cast<std::size_t>(neurons[t].units));
    std::iota(units.begin(), units.end(), Index{0});
    Index column = 0;
    analysis.direct_influences(t, units, [&](const Influences& in) {
      for (std::size_t c = first; c < all.size(); ++c) {
        const NeuronLayer& source = neurons[all[c].source];
        all[c].weight.middleCols(column, in.mean_abs.cols()) = in.mean_abs.middleRows(source.first, source.units);
      }
      column += in.mean_abs.cols();
    });
  }
  const std::vector<char>& dead = analysis.moments().dead;
  for (Connections& c : all) {
    for (Index i = 0; i < c.weight.rows(); ++i) {
      if (dead[static_cast<std::size_t>(neurons[c.source].first + i)]) c.weight.row(i).setZero();
    }
    for (Index j = 0; j < c.weight.cols(); ++j) {
      if (dead[static_cast<std::size_t>(neurons[c.target].first + j)]) c.weight.col(j).setZero();
    }
  }
  return all;
}

using Heights = Eigen::VectorXd;

// The system for the heights, never stored as one matrix. It is solved for how far a neuron's height is from its depth:
// with d = depth(j) − depth(i) of a connection, the right side becomes Σ (1 − d)·w in − Σ (1 − d)·w out, which is 0 in a
// chain, exactly.
class Trophic {
 public:
  Trophic(const Neurons& neurons, const std::vector<Connections>& connections, bool with_input)
      : neurons_(neurons), u_(Heights::Zero(neurons.count())), right_(u_) {
    for (const Connections& c : connections) {
      if (c.source == 0 && !with_input) continue;
      used_.push_back(&c);
      const Heights out = c.weight.cast<double>().rowwise().sum();
      const Heights in = c.weight.cast<double>().colwise().sum().transpose();
      at(u_, c.source) += out;
      at(u_, c.target) += in;
      const double short_of = 1 - neurons.distance(c.target, c.source);
      at(right_, c.source) -= short_of * out;
      at(right_, c.target) += short_of * in;
    }
  }

  double incoherence() const {
    const Heights h = heights();
    double missed = 0, all = 0;
    for (const Connections* c : used_) {
      const double extra = neurons_.distance(c->target, c->source) - 1;
      for (Index j = 0; j < c->weight.cols(); ++j) {
        const double top = h[neurons_[c->target].first + j] + extra;
        const auto below = h.segment(neurons_[c->source].first, c->weight.rows()).array();
        const auto w = c->weight.col(j).cast<double>().array();
        missed += (w * (top - below).square()).sum();
        all += w.sum();
      }
    }
    return all > 0 ? missed / all : quiet_nan;
  }

 private:
  Eigen::Ref<Heights> at(Heights& of, std::size_t layer) const {
    return of.segment(neurons_[layer].first, neurons_[layer].units);
  }

  Heights multiply(const Heights& h) const {
    Heights y = u_.cwiseProduct(h);
    const Vector hs = h.cast<Scalar>();
    for (const Connections* c : used_) {
      const NeuronLayer& s = neurons_[c->source];
      const NeuronLayer& t = neurons_[c->target];
      const Vector up = c->weight * hs.segment(t.first, t.units);
      const Vector down = c->weight.transpose() * hs.segment(s.first, s.units);
      y.segment(s.first, s.units) -= up.cast<double>();
      y.segment(t.first, t.units) -= down.cast<double>();
    }
    return y;
  }

  // Conjugate gradients, preconditioned by u. Neurons without connections have u = 0 and stay where they are.
  Heights heights() const {
    Heights h = Heights::Zero(neurons_.count());
    const Heights by_u = (u_.array() > 0).select(u_.cwiseInverse(), 0.0);
    Heights r = right_;
    Heights z = by_u.cwiseProduct(r);
    Heights p = z;
    double rz = r.dot(z);
    const double enough = 1e-12 * rz;
    for (int step = 0; step < 300 && rz > enough; ++step) {
      const Heights q = multiply(p);
      const double pq = p.dot(q);
      if (!(pq > 0)) break;
      const double alpha = rz / pq;
      h += alpha * p;
      r -= alpha * q;
      z = by_u.cwiseProduct(r);
      const double next = r.dot(z);
      p = z + next / rz * p;
      rz = next;
    }
    return h;
  }

  const Neurons& neurons_;
  std::vector<const Connections*> used_;
  Heights u_, right_;
};

}  // namespace

void measure_trophic_incoherence(const InfluenceAnalysis& analysis, HierarchyValues& into) {
  const Neurons& neurons = analysis.neurons();
  if (neurons.count() > most_trophic_neurons) return;
  const std::size_t measure = measure_index("trophic_incoherence");
  auto connections = direct_connections(analysis);
  for (const Scaling scaling : {Scaling::raw, Scaling::scaled}) {
    if (scaling == Scaling::scaled) {
      const std::vector<double>& sd = analysis.moments().sd;
      for (Connections& c : connections) {
        for (Index i = 0; i < c.weight.rows(); ++i) {
          c.weight.row(i) *= static_cast<Scalar>(sd[static_cast<std::size_t>(neurons[c.source].first + i)]);
        }
        for (Index j = 0; j < c.weight.cols(); ++j) {
          const double sd_j = sd[static_cast<std::size_t>(neurons[c.target].first + j)];
          if (sd_j > 0) c.weight.col(j) /= static_cast<Scalar>(sd_j);
        }
      }
    }
    for (const bool with_input : {false, true}) {
      if (with_input && !analysis.options().with_input) continue;
      into.at(measure, scaling, with_input) = Trophic(neurons, connections, with_input).incoherence();
    }
  }
}

}  // namespace strata
