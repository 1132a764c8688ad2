//! One model of each kind, made from formulas, shared by vectors and laws.
#![allow(dead_code, missing_docs)]

use offline_sync_model::models::{
    Ftrl, GaussianNb, Kmeans, Leaf, Linear, Link, Model, Node, Tree, Trees, Vectors,
};
use offline_sync_model::schema::columns;
use offline_sync_model::{Algorithm, Content, Feature, FeatureKind, Task, TextEncoding};

/// Numbers between −1 and 1 that follow from a seed.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn many(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.next()).collect()
    }
}

pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_string()).collect()
}

pub fn numeric(count: usize) -> Vec<Feature> {
    let mut numbers = Numbers(99);
    (0..count)
        .map(|index| Feature {
            name: format!("f{index}"),
            kind: FeatureKind::Numeric {
                mean: numbers.next() * 10.0,
                scale: 1.5 + numbers.next(),
            },
        })
        .collect()
}

/// A number, a category, a hashed and a weighed text.
pub fn mixed() -> Vec<Feature> {
    let terms = words(&[
        "app",
        "crash",
        "crash again",
        "gut",
        "love",
        "❤️",
        "很",
        "很 好",
        "😀",
        "😀 😀",
    ]);
    let mut sorted = terms.clone();
    sorted.sort();
    vec![
        Feature {
            name: "age".into(),
            kind: FeatureKind::Numeric {
                mean: 37.5,
                scale: 12.0,
            },
        },
        Feature {
            name: "plan".into(),
            kind: FeatureKind::Categorical {
                values: words(&["", "1", "free", "pro", "true"]),
            },
        },
        Feature {
            name: "note".into(),
            kind: FeatureKind::Text {
                ngrams: 2,
                normalize: true,
                encoding: TextEncoding::Hashed { buckets: 64 },
            },
        },
        Feature {
            name: "title".into(),
            kind: FeatureKind::Text {
                ngrams: 2,
                normalize: true,
                encoding: TextEncoding::Tfidf {
                    idf: (0..sorted.len())
                        .map(|index| 1.0 + index as f64 / 3.0)
                        .collect(),
                    terms: sorted,
                },
            },
        },
    ]
}

fn linear(seed: u64, link: Link, outputs: usize, features: &[Feature]) -> Model {
    let mut numbers = Numbers(seed);
    Model::Linear(Linear {
        link,
        intercepts: numbers.many(outputs),
        weights: numbers.many(outputs * columns(features)),
    })
}

fn content(
    algorithm: Algorithm,
    task: Task,
    labels: &[&str],
    features: Vec<Feature>,
    model: Model,
) -> Content {
    Content {
        algorithm,
        task,
        labels: words(labels),
        features,
        model,
    }
}

/// A tree of the given depth whose leaves say numbers below `groups`.
fn tree(numbers: &mut Numbers, depth: usize, width: u32, groups: u32) -> Tree {
    fn add(nodes: &mut Vec<Node>, numbers: &mut Numbers, depth: usize, width: u32, groups: u32) {
        let pick = |number: f64, end: u32| ((number + 1.0) / 2.0 * f64::from(end)) as u32 % end;
        if depth == 0 {
            nodes.push(Node::Leaf(Leaf(pick(numbers.next(), groups))));
            return;
        }
        let at = nodes.len();
        nodes.push(Node::Leaf(Leaf(0)));
        let (column, threshold) = (pick(numbers.next(), width), numbers.next() * 10.0);
        add(nodes, numbers, depth - 1, width, groups);
        let right = nodes.len() as u32;
        add(nodes, numbers, depth - 1, width, groups);
        nodes[at] = Node::Split {
            column,
            right,
            threshold,
        };
    }
    let mut nodes = vec![];
    add(&mut nodes, numbers, depth, width, groups);
    Tree { nodes }
}

#[allow(clippy::too_many_arguments)]
fn trees(
    seed: u64,
    count: usize,
    link: Link,
    outputs: usize,
    width: u32,
    mean: bool,
    shares: bool,
    features: &[Feature],
) -> Model {
    let mut numbers = Numbers(seed);
    let groups = 7;
    let values = numbers
        .many(groups as usize * width as usize)
        .iter()
        .map(|value| if shares { value.abs() } else { *value })
        .collect();
    Model::Trees(Trees {
        link,
        base: if shares {
            vec![0.0; outputs]
        } else {
            numbers.many(outputs)
        },
        width,
        mean,
        trees: (0..count)
            .map(|_| tree(&mut numbers, 4, columns(features) as u32, groups))
            .collect(),
        values,
    })
}

/// Every kind of model, by name; those with numeric features first.
pub fn all() -> Vec<(&'static str, Content)> {
    use Algorithm as A;
    let five = numeric(5);
    let twenty = numeric(20);
    let three = ["a", "b", "c"];
    let two = ["no", "yes"];
    let class = Task::Classification;
    let mut numbers = Numbers(5);
    let gaussian = |classes: usize, numbers: &mut Numbers| {
        Model::GaussianNb(GaussianNb {
            offsets: numbers.many(classes),
            means: numbers.many(classes * 5),
            precisions: numbers
                .many(classes * 5)
                .iter()
                .map(|value| value.abs())
                .collect(),
        })
    };
    let ftrl = |length: usize, numbers: &mut Numbers| {
        Model::Ftrl(Ftrl {
            alpha: 0.1,
            beta: 1.0,
            l1: 0.2,
            l2: 0.1,
            z: numbers.many(length),
            n: numbers
                .many(length)
                .iter()
                .map(|value| value.abs())
                .collect(),
            rows: 100,
        })
    };
    let wide = columns(&mixed());
    vec![
        (
            "linear",
            content(
                A::Linear,
                Task::Regression,
                &[],
                five.clone(),
                linear(1, Link::Identity, 1, &five),
            ),
        ),
        (
            "elastic_net",
            content(
                A::ElasticNet,
                Task::Regression,
                &[],
                twenty.clone(),
                linear(2, Link::Identity, 1, &twenty),
            ),
        ),
        (
            "logistic",
            content(
                A::Logistic,
                class,
                &two,
                twenty.clone(),
                linear(3, Link::Logistic, 1, &twenty),
            ),
        ),
        (
            "softmax",
            content(
                A::Logistic,
                class,
                &three,
                five.clone(),
                linear(4, Link::Softmax, 3, &five),
            ),
        ),
        (
            "multinomial_nb",
            content(
                A::MultinomialNb,
                class,
                &two,
                five.clone(),
                linear(5, Link::Logistic, 1, &five),
            ),
        ),
        (
            "gaussian_nb_2",
            content(
                A::GaussianNb,
                class,
                &two,
                five.clone(),
                gaussian(2, &mut numbers),
            ),
        ),
        (
            "gaussian_nb_3",
            content(
                A::GaussianNb,
                class,
                &three,
                five.clone(),
                gaussian(3, &mut numbers),
            ),
        ),
        (
            "tree",
            content(
                A::Tree,
                class,
                &three,
                five.clone(),
                trees(6, 1, Link::Identity, 3, 3, true, true, &five),
            ),
        ),
        (
            "forest",
            content(
                A::Forest,
                class,
                &two,
                five.clone(),
                trees(7, 9, Link::Identity, 1, 1, true, true, &five),
            ),
        ),
        (
            "forest_regression",
            content(
                A::Forest,
                Task::Regression,
                &[],
                five.clone(),
                trees(8, 9, Link::Identity, 1, 1, true, false, &five),
            ),
        ),
        (
            "boosting_2",
            content(
                A::Boosting,
                class,
                &two,
                five.clone(),
                trees(9, 12, Link::Logistic, 1, 1, false, false, &five),
            ),
        ),
        (
            "boosting_3",
            content(
                A::Boosting,
                class,
                &three,
                five.clone(),
                trees(10, 12, Link::Softmax, 3, 1, false, false, &five),
            ),
        ),
        (
            "kmeans",
            content(
                A::Kmeans,
                Task::Clustering,
                &[],
                five.clone(),
                Model::Kmeans(Kmeans {
                    clusters: 4,
                    centres: numbers.many(20).iter().map(|value| value * 10.0).collect(),
                    weights: numbers.many(5).iter().map(|value| value.abs()).collect(),
                }),
            ),
        ),
        (
            "pca",
            content(
                A::Pca,
                Task::Components,
                &[],
                five.clone(),
                linear(11, Link::Identity, 3, &five),
            ),
        ),
        (
            "ftrl",
            content(A::Ftrl, class, &two, five.clone(), ftrl(6, &mut numbers)),
        ),
        (
            "linear_mixed",
            content(
                A::Linear,
                Task::Regression,
                &[],
                mixed(),
                linear(12, Link::Identity, 1, &mixed()),
            ),
        ),
        (
            "logistic_mixed",
            content(
                A::Logistic,
                class,
                &two,
                mixed(),
                linear(13, Link::Logistic, 1, &mixed()),
            ),
        ),
        (
            "softmax_mixed",
            content(
                A::MultinomialNb,
                class,
                &three,
                mixed(),
                linear(14, Link::Softmax, 3, &mixed()),
            ),
        ),
        (
            "forest_mixed",
            content(
                A::Forest,
                class,
                &two,
                mixed(),
                trees(15, 9, Link::Identity, 1, 1, true, true, &mixed()),
            ),
        ),
        (
            "ftrl_mixed",
            content(A::Ftrl, class, &two, mixed(), ftrl(wide + 1, &mut numbers)),
        ),
    ]
}

/// Vectors of items.
pub fn vectors() -> Content {
    let mut numbers = Numbers(16);
    let ids: Vec<String> = (10..30).map(|index| format!("item-{index}")).collect();
    let mut data: Vec<f32> = numbers
        .many(20 * 8)
        .iter()
        .map(|value| *value as f32)
        .collect();
    // Two equal vectors and a zero one: ties and a norm of 0.
    data.copy_within(0..8, 40);
    data[80..88].fill(0.0);
    let model = Model::Vectors(Vectors {
        dimensions: 8,
        ids,
        data,
    });
    content(Algorithm::Vectors, Task::Retrieval, &[], vec![], model)
}
